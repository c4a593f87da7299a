"""Trained checkpoints in the form that serving programs load, and those programs asked back."""
