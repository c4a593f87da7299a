"""Floor 0: the words every other floor is spelled with.

Digest, strict JSON, RFC 8785 canonical form, JSON Schemas, time stamps and the error tree.
Imports nothing of lyrikstore.
"""
