"""Storage: blobs in packs, transaction records and backends; without manifests or refs.

* **blob**: a sequence of bytes named by its BLAKE3 digest: a document, or the content of a file;
* **chunk**: a part of a large blob; the chunk list of the blob names its chunks in order;
* **pack**: an immutable file that contains many blobs and chunks in compressed blocks;
* **transaction record**: the file that makes packs live, and names the documents to log;
* **backend**: the place of a store's files, such as a folder, a bucket or an SFTP server.

Imports ``canon`` and ``crypto`` only.

Example:
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> from lyrikstore.objects.backends.memory import MemoryBackend
    >>> from lyrikstore.objects.store.blobs import open_blobs
    >>> from lyrikstore.objects.store.transactions import Transaction, TransactionLog
    >>> backend = MemoryBackend(Path(mkdtemp()))
    >>> blobs = open_blobs(backend, TransactionLog(backend).live())
    >>> with blobs.writer(workers=0) as writer:
    ...     digest, changes = writer.put_bytes(b"hello"), writer.finish()
    >>> TransactionLog(backend).append(Transaction(0, (), changes.added))
    True
    >>> blobs.adopt(changes)
    >>> blobs.read(digest, max_bytes=100)
    b'hello'

Writing blobs needs no lock: packs are durable after ``finish``, and invisible until a record names
them. A store in a folder then takes :class:`~lyrikstore.objects.store.lock.StoreLock`, reads its
refs again, calls ``clean_leftovers`` and appends the record with ``seq=log.count()``. If ``append``
returns False, another writer won the slot: count again, and append the same ``changes``, which do
not depend on the slot. Tiles and log checkpoint (``history``) follow from the records alone. A
writer that never reaches ``finish``, or whose record is never appended, leaves only unused files.
After a :class:`StorageError` from ``append`` the outcome is unknown: read the slot and compare.
``record.id`` is the digest of the record's own log leaf. ``blobs.read(d, max_bytes=…)`` reads
documents, ``blobs.open(d)`` data; both return only hashed bytes.
"""
