"""Verification: pure functions from bytes, a trust file and a moment to a report."""
