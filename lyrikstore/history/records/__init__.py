"""Commitments to the records of a dataset (spec/09-records.md)."""
