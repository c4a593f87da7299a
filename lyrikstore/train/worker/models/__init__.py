"""Trainable models: one module for each checkpoint format, behind one protocol."""
