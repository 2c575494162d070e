"""The YAML beside generated files: descriptions, types, contracts and data tests."""
