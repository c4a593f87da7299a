"""Data Integrity proofs: how a document is secured (spec §3.3 to 3.7)."""
