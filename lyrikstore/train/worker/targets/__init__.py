"""Deployment targets, one module each: usage text, writer and reader."""
