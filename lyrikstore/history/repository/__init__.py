"""Read access to a store: verified log, refs and manifests (spec/08-refs-and-identity.md)."""
