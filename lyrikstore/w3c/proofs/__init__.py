"""Proofs of foreign documents: sets and chains of two cryptosuites (spec §3.6, 3.7)."""
