"""Data Integrity proofs: signing and verifying documents (spec §3.3)."""
