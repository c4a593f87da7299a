"""Conversion of a base model in one GGUF file to a folder that transformers loads."""
