"""Manifests: signed statements, their kinds, names and lineage (spec/06-manifests.md)."""
