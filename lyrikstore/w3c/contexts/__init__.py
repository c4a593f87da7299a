"""The JSON-LD contexts that lyrikstore knows, byte for byte; no other is ever processed.

A context decides what the words of a signed document mean, so whoever chooses it can change the
meaning. None is fetched: a URL stands for the bytes that its authors published, held here with
their digest (a test compares). Where they come from: ``NOTICE.md`` next to this file.
"""

from collections.abc import Mapping
from functools import cache

from lyrikstore.canon.errors import IncompleteError
from lyrikstore.canon.files import PACKAGE, read_packaged
from lyrikstore.canon.json import JSON, parse

CREDENTIALS_V2 = "https://www.w3.org/ns/credentials/v2"
OWN = "https://w3id.org/lyrikstore/v1"

SHA256_FOR_CONTEXT: Mapping[str, str] = {
    CREDENTIALS_V2: "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734",
    "https://www.w3.org/ns/credentials/examples/v2": (
        "57393fbc69d6efb9b9b5dc9cb6b9880b0944360abfe2eaf459c9e58cf2279d7c"
    ),
    "https://www.w3.org/ns/credentials/undefined-terms/v2": (
        "82dab514ba44eb18f5d1b0f638c5e140c6a556fbfb5089601bdc0fa5eb8b2581"
    ),
    "https://w3id.org/security/data-integrity/v2": (
        "67f21e6e33a6c14e5ccfd2fc7865f7474fb71a04af7e94136cb399dfac8ae8f4"
    ),
    "https://w3id.org/security/multikey/v1": (
        "c5f3806f8286920573221938917988a18a4cc5a09e968d29649613c7a1c2b1f6"
    ),
    "https://www.w3.org/ns/did/v1": (
        "62c1054bf404d6dd3a4b26b64f830fd72095f6a26edc4469908c94351352ce5f"
    ),
}
"""Contexts of others. Our own is pinned where credentials are (spec/10)."""

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
        IncompleteError: (``unknown-context``).
    """
    return parse(context_bytes(url), floats=True, nulls=True)  # such as "@version": 1.1
