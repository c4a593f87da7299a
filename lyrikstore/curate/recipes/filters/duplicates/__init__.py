"""Filters that look for texts which stand in more than one record, or in another dataset."""
