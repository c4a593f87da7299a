"""Predictions for unlabelled records, and explanations of them. Runs in a worker."""
