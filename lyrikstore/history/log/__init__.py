"""The append-only log: entries, tiles, signed log checkpoints, proofs (spec/07-log.md).

* entry: a type and a digest; the log has one for each manifest, credential and transaction;
* log checkpoint: the signed size and root hash of the log at one moment;
* tile: a file with hashes of the log, in the layout of c2sp.org/tlog-tiles;
* inclusion proof: hashes that show that an entry is in the log with a given root;
* log memory: the log checkpoints that this user has seen and signed, against rollback.

Example:
    >>> from lyrikstore.history.log.merkle import inclusion_proof, leaf_hash, root, verify_inclusion
    >>> leaves = [leaf_hash(entry) for entry in (b"a", b"b", b"c")]
    >>> verify_inclusion(leaves[1], 1, 3, inclusion_proof(leaves, 1), root(leaves))
"""
