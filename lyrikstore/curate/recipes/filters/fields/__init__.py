"""Filters over the fields of records: what they hold, what they are called."""
