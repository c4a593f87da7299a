"""A store as it is read: verified log, refs, manifests (spec/08-refs-and-identity.md)."""
