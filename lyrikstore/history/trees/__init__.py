"""Trees: the list of a version's files, with path, size, digest and metadata (spec/05-trees.md).

* tree: the sorted list of a version's files; its digest identifies the content;
* entry: a line of a tree: path, size, BLAKE3 and metadata of one file;
* path grammar: the rules for paths, so that every system can write the files;
* twins: two paths that some file systems cannot keep apart, such as ``a`` and ``A``;
* files id: the digest of the tree without metadata.

Example:
    >>> from lyrikstore.history.trees.paths import path_offence
    >>> path_offence("a/../b").reason
    "has the component '..'"
"""
