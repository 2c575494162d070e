"""The ONNX Runtime backend: SQL functions that compute whole vectors of rows at once."""
