"""Generative models: loading, training, generation (spec §13.12). Runs in a worker."""
