"""Training of one model candidate in a worker: loop, resume states, checkpoints."""
