"""Blobs by digest, stored in packs that transaction records list (spec/04-objects.md).

* blob store: reads blobs from packs; every returned byte has been hashed;
* writer: keeps new blobs in scratch files until ``finish``;
* transaction record: the numbered file that makes packs live; the first creator wins;
* lock: an advisory lock that one writer of a local store holds.

Example:
    >>> from lyrikstore.objects.store.transactions import record_name
    >>> record_name(7)
    'tx/00000000000000000007'
"""
