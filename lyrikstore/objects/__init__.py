"""Storage: blobs in packs, transaction records, backends. Knows nothing of manifests or refs.

Imports ``canon`` and ``crypto`` only.

How a repository drives it::

    backend = LocalBackend(root)                       # root is the .lyrikstore folder
    log = TransactionLog(backend)
    blobs = open_blobs(backend, log.live(up_to))       # up_to: what the log checkpoint covers

    with blobs.writer() as writer:                     # no lock needed: nothing is visible yet
        digest = writer.put_bytes(manifest_bytes)      # a document
        digest, size = writer.put_file(path)           # data: in packs of their own
        changes = writer.finish()                      # packs are durable, still nobody's
    with StoreLock(root / "lock"):                     # re-read refs here; they may have moved
        clean_leftovers(backend.scratch)
        record = Transaction(
            seq=log.count(),
            log=(LogItem("manifest", digest),),
            added=changes.added,
            chunk_lists=changes.chunk_lists,
        )
        if not log.append(record):                     # False: slot lost; count() again, same packs
            ...
        blobs.adopt(changes)                           # now readable here
        # then tiles and log checkpoint (history), a pure function of tx/0…seq

``changes`` stay good for as many attempts at a slot as it takes: packs do not depend on it. A
writer that never reaches ``finish``, or whose transaction is never appended, leaves only files
that nobody reads. A :class:`StorageError` from ``append`` leaves the outcome open: read the slot
and compare. ``record.id`` is the digest of the record's own log leaf. Reading: ``blobs.read(d,
max_bytes=…)`` for documents, ``blobs.open(d)`` for data; both hand out hashed bytes only.
"""
