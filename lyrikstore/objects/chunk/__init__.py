"""Content-defined chunking of large blobs (spec §4.3).

* large blob: a blob above 1 MiB, which is stored as chunks;
* chunk: a part of it, cut where the content determines it, so that an insertion moves few cuts;
* segment: the part of a blob that is cut at once, independently of other segments;
* chunk list: a blob with the digests and sizes of the chunks, in order.
"""
