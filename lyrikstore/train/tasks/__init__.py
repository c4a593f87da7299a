"""The tasks, one module each: what differs between them in training, evaluation and deployment."""
