"""Status lists of issued credentials: revoke, suspend, reinstate, supersede (spec §10.6).

* **status list**: a signed credential with one bit for each of many credentials.
* **purpose**: what a set bit means, ``revocation`` or ``suspension``.
* **entry**: where a credential has its bit: purpose, URL of the list, index.
* **current list**: the newest list of one URL and issuer in the log.
* **registry**: all current lists and revocable credentials of a store, read from its log.

Example:
    >>> from lyrikstore.publish.status.status_registry import StatusRegistry
    >>> from lyrikstore.testing.keys import signer_for
    >>> signer = signer_for("publisher")
    >>> entries = StatusRegistry().reserve("https://acme.example/status", signer, frozenset())
    >>> [entry.purpose for entry in entries]
    ['revocation', 'suspension']
"""
