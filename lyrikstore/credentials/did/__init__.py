"""DIDs: names with keys behind them (spec/18-dids.md).

Sans-IO. ``did:key`` is its own document; ``did:web`` is a document that somebody hands in: pinned
in the trust file, fetched because the user asked, or lying next to a credential. Further methods,
``did:webvh`` first, are one more name in :data:`~lyrikstore.credentials.did.resolver.DOCUMENTED`
and a check of its log where the documents are handed in.
"""

from lyrikstore.credentials.did.document import DidDocument, Method, parse_document
from lyrikstore.credentials.did.names import did_of, parse_did, web_url
from lyrikstore.credentials.did.resolver import (
    KEY_FORMAT,
    DocumentSource,
    KeysAt,
    KnownDocument,
    Resolution,
    ResolvedKey,
    Resolver,
    documents_among,
)

__all__ = [
    "KEY_FORMAT",
    "DidDocument",
    "DocumentSource",
    "KeysAt",
    "KnownDocument",
    "Method",
    "Resolution",
    "ResolvedKey",
    "Resolver",
    "did_of",
    "documents_among",
    "parse_did",
    "parse_document",
    "web_url",
]
