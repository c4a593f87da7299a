"""The signed history of a store: trees, manifests, log, refs, policies, commit, sync, gc.

* **tree**: the list of a version's files, with path, size, digest and metadata;
* **manifest**: a signed statement of how a version was made, from which inputs, with which tree;
* **log**: the append-only Merkle tree over everything committed; it orders the manifests;
* **ref**: the current manifest of a name, derived from the log;
* **policy**: the keys that may sign which manifests, and the keys of the log.

Imports ``objects``, ``crypto`` and ``canon``.

Example:
    >>> from lyrikstore.canon.digest import Digest
    >>> from lyrikstore.history.trees.tree import Tree
    >>> from lyrikstore.history.trees.tree_entry import TreeEntry
    >>> tree = Tree.of([TreeEntry("greeting.txt", 5, Digest.of(b"hello"))])
    >>> Tree.parse(tree.encode()) == tree, tree.total_bytes
    (True, 5)
"""
