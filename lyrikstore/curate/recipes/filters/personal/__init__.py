"""Filters for personal data: measure it, replace it, or drop the records that hold it."""
