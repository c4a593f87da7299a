"""Removing packs that no transaction record names (spec/16-gc.md).

* live blob: a blob that must stay readable;
* repack plan: the packs to rewrite, and the blobs in them that are still needed;
* grace: the time for which a pack must be unneeded before it is deleted;
* preview: the files of a dry run, which are removed afterwards.
"""
