"""Export of trained checkpoints for serving programs, and inference by those programs."""
