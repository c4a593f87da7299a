"""Credentials, DIDs, terms of use, and the verifier's trust file.

- credential: a signed JSON document with claims about a dataset (:mod:`.model`).
- DID: an identifier with keys, ``did:key`` or ``did:web`` (:mod:`.did`).
- terms: permissions, prohibitions, duties and limits of the use of data (:mod:`.terms`).
- partition: the files of a dataset that have the same terms.
- trust file: the issuers, logs and keys that one verifier believes (:mod:`.trust`).

``verify`` checks these documents. This package imports ``history`` and lower packages only.

Example:
    >>> from datetime import UTC, datetime
    >>> from lyrikstore.credentials.terms.model import Partition, Use
    >>> part = Partition("all", permits=("train",))
    >>> part.judge(Use(("train",), datetime(2026, 1, 1, tzinfo=UTC)))[0]
    <Answer.PERMITTED: 'permitted'>
"""
