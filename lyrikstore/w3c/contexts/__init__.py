"""The bundled JSON-LD contexts, byte for byte; no other context is ever processed.

A context defines the terms of a signed document, so a chosen context could change its meaning.
Contexts are never fetched: a URL stands for the bytes that its authors published, which are bundled
(a test compares their digests). ``NOTICE.md`` next to this file lists their sources.

* **context**: a JSON document that maps terms to IRIs.
* **term**: a word of a credential, such as ``issuer`` or a type.
* **IRI**: the globally unique name of a term.
* **bundled context**: a context in this package; its URL is in :data:`CONTEXTS`.
* **own context**: lyrikstore's context, :data:`OWN`.

Example:
    >>> from lyrikstore.w3c.contexts import CONTEXTS, OWN, context_document
    >>> OWN in CONTEXTS, "@context" in context_document(OWN)
    (True, True)
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
"""URLs of the bundled contexts."""


@cache
def context_bytes(url: str) -> bytes:
    """Return the bundled context of ``url`` as published.

    Raises:
        IncompleteError: (``unknown-context``) it is not bundled, so its terms are undefined.
    """
    name = _FILE_FOR_CONTEXT.get(url)
    if name is None:
        raise IncompleteError(
            "unknown-context",
            f"the context {url[:200]!a} is not bundled with lyrikstore",
            hint="contexts are never fetched; ask the issuer for a credential without it",
        )
    return read_packaged(PACKAGE / name)


@cache
def context_document(url: str) -> JSON:
    """Return :func:`context_bytes` parsed; callers share the result and must not change it.

    Raises:
        LyrikstoreError: As :func:`context_bytes`.
    """
    return parse(context_bytes(url), floats=True, nulls=True)  # such as "@version": 1.1
