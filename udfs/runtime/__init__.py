"""The ONNX Runtime backend: the SQL functions over whole vectors."""
