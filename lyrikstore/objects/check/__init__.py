"""Checking packs and blobs against their digests.

* check: every pack is read and hashed, and every large blob is joined from its chunks;
* part: packs and blobs that one worker process checks;
* share: the random part of the packs that a quick check reads;
* damaged blob: a blob whose stored bytes have another digest.
"""
