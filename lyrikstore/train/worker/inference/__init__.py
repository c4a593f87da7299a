"""Answers about records that nobody labelled, and what speaks for them. Runs in a worker."""
