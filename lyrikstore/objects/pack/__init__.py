"""Packs: immutable files that contain many compressed blobs (spec §4.4).

* pack: a file of compressed blocks with an index in its footer; it never changes;
* block: blobs that are compressed together;
* role: ``data`` for files of datasets, ``documents`` for manifests and credentials;
* table: all blobs of some packs, sorted by digest;
* run: adjacent chunks of a large blob in one block.
"""
