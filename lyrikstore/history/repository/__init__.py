"""Read access to a store: verified log, refs and manifests (spec/08-refs-and-identity.md).

* repository: the verified view of one store; it reads and never writes;
* ref: the current manifest of a name, derived from the log;
* clock floor: the latest trusted date in the log, a lower bound for later dates;
* clone: a mirror of the home log, with a local log of entries to be pushed;
* retired version: a version whose data may be missing.

Example:
    >>> from lyrikstore.history.repository.clone import local_origin
    >>> local_origin("acme.example/corpus", "0123456789abcdef")
    'acme.example/corpus/local/0123456789abcdef'
"""
