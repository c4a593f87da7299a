"""The JSON-LD contexts that lyrikstore knows, byte for byte; no other is ever processed.

A context decides what the words of a signed document mean, so whoever chooses it can change the
meaning. None is fetched: a URL stands for the bytes that its authors published, held here
(a test compares their digests). Where they come from: ``NOTICE.md`` next to this file.
"""

from functools import cache

from lyrikstore.canon.errors import IncompleteError
from lyrikstore.canon.files import PACKAGE, read_packaged
from lyrikstore.canon.json import JSON, parse

CREDENTIALS_V2 = "https://www.w3.org/ns/credentials/v2"
OWN = "https://w3id.org/lyrikstore/v1"

_FILE_FOR_CONTEXT = {
    CREDENTIALS_V2: "w3c/contexts/credentials-v2.jsonld",
    "https://www.w3.org/ns/credentials/examples/v2": (
        "w3c/contexts/credentials-examples-v2.jsonld"
    ),
    "https://www.w3.org/ns/credentials/undefined-terms/v2": (
        "w3c/contexts/credentials-undefined-terms-v2.jsonld"
    ),
    "https://w3id.org/security/data-integrity/v2": "w3c/contexts/data-integrity-v2.jsonld",
    "https://w3id.org/security/multikey/v1": "w3c/contexts/multikey-v1.jsonld",
    "https://www.w3.org/ns/did/v1": "w3c/contexts/did-v1.jsonld",
    OWN: "credentials/contexts/v1.jsonld",
    "https://w3id.org/lyrikstore/v2": "credentials/contexts/v2.jsonld",
}
CONTEXTS = frozenset(_FILE_FOR_CONTEXT)
"""URLs of the contexts that are held."""


@cache
def context_bytes(url: str) -> bytes:
    """Return the context behind ``url`` as published.

    Raises:
        IncompleteError: (``unknown-context``) it is not held here, and so its words mean nothing.
    """
    name = _FILE_FOR_CONTEXT.get(url)
    if name is None:
        raise IncompleteError(
            "unknown-context",
            f"the context {url[:200]!a} is not one that lyrikstore knows",
            hint="contexts are never fetched; ask for a credential without it",
        )
    return read_packaged(PACKAGE / name)


@cache
def context_document(url: str) -> JSON:
    """Return :func:`context_bytes` parsed; shared, so nobody may change it.

    Raises:
        LyrikstoreError: As :func:`context_bytes`.
    """
    return parse(context_bytes(url), floats=True, nulls=True)  # such as "@version": 1.1
