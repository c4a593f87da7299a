"""Issuing credentials, attestations and grants; writing deliveries (spec §14.1)."""
