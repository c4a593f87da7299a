"""The readers of the formats: from bytes to text, each a pure function."""
