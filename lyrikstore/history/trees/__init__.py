"""Trees: which files, of which content, under which paths (spec/05-trees.md)."""
