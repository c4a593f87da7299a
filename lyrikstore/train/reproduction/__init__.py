"""Runs that are done again, and compared with what they gave (spec §13.14)."""
