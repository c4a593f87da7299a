"""Floor 1: who said it.

Strict Ed25519, key files, signers named by URI, did:key and Multikey spellings, and the one way
lyrikstore secures a document: an ``eddsa-jcs-2022`` Data Integrity proof
(spec/03-keys-and-proofs.md).
"""
