"""Garbage collection: reachable blobs, retention of versions, purging (spec/16-gc.md).

* GC root: a blob that must stay, because the log or a current version names it;
* retention: a signed decision that the data of some versions need not be kept;
* repack: live blobs of packs with much garbage are copied into new packs;
* sweep: packs that were unneeded for the whole grace period are deleted;
* purge: all data that no version needs is removed at once, and its absence is checked.
"""
