"""Credentials and presentations that others issued: their shape and their verification."""
