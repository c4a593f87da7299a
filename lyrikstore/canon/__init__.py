"""Core value types: digest, strict JSON and its canonical form, schemas, time stamps, errors.

Every other package builds on these; imports nothing of lyrikstore.
"""
