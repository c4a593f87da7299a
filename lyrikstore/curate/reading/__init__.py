"""Stored datasets, read for those who verify them."""
