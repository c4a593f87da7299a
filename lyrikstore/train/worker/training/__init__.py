"""Training of one candidate in a worker: the loop, points to go on from, what is written."""
