"""Manifests: signed statements about versions, their kinds and names (spec/06-manifests.md)."""
