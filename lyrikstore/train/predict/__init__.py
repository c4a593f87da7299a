"""Prediction: what a checkpoint says of a file, of the files in a folder, and of rows."""
