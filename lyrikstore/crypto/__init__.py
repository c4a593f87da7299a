"""Signing and keys: strict Ed25519, key files, signers by URI, did:key, Data Integrity proofs.

A document is secured in one way: an ``eddsa-jcs-2022`` proof (spec/03-keys-and-proofs.md). Imports
``canon`` only.
"""
