"""Appending to a store: transactions, admission of manifests, log checkpoints (spec §7.6).

* transaction: blobs and log entries that become visible together, or not at all;
* admission: the checks of entries of other writers before they are published;
* publishing: the log checkpoint is signed and replaced, so that readers see the entries;
* event: a signed entry about a delivery, a prediction or a revocation;
* policy change: a new policy, signed by an owner, that changes the keys of the store.

Example:
    >>> from pathlib import Path
    >>> from lyrikstore.history.commit.publisher import location_text
    >>> location_text(Path("/srv/corpus"))
    '/srv/corpus'
"""
