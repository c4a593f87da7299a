"""Trees: the list of a version's files, with path, size, digest and metadata (spec/05-trees.md)."""
