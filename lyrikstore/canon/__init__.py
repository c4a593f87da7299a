"""Core value types: digest, strict JSON and its canonical form, schemas, time stamps, errors.

* digest: the BLAKE3 hash of some bytes, 32 bytes, by which objects are named;
* canonical form: the one spelling of a JSON document; signatures and digests cover it;
* schema: a JSON Schema in ``schemas/`` that every document is checked with;
* limit: the largest accepted size or count of a kind of input (``spec/limits.json``);
* kind: the short stable name of an error, such as ``no-store``; scripts read it.

Every other package builds on these; imports nothing of lyrikstore.

Example:
    >>> from lyrikstore.canon.digest import Digest
    >>> from lyrikstore.canon.json import encode
    >>> encode({"b": 1, "a": [True, None]})
    b'{"a":[true,null],"b":1}'
    >>> Digest.of(b"hello").short
    'ea8f163db386'
"""
