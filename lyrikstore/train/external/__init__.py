"""Training by programs of the caller's own, on verified copies, with the same guard."""
