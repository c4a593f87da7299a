"""Lyrikstore: the evidence layer between a dataset's licence and a shipped model.

Example:
    >>> import lyrikstore
    >>> lyrikstore.verify_delivery("delivery", trust_file=trust)            # doctest: +SKIP
    >>> store = lyrikstore.Store.open("corpus", memory_dir=logs, trust_file=trust)  # doctest: +SKIP
    >>> store.datasets.commit("documents", "acme/letters")                  # doctest: +SKIP
    >>> store.query.sql("select name, records from datasets").rows          # doctest: +SKIP

A :class:`Store` has parts: ``datasets``, ``credentials``, ``models``, ``remotes``, ``query`` and
``policy``. docs/python.md shows the whole way, from a folder of documents to a delivery;
:mod:`lyrikstore.api` has further names.

Heavy modules load on first use, so that ``import lyrikstore`` stays fast.
"""

from typing import TYPE_CHECKING, Any

from lyrikstore.version import __version__

if TYPE_CHECKING:
    from lyrikstore.api import (
        CommitMetadata,
        CommitOptions,
        Digest,
        Issuance,
        KeyFolder,
        Licence,
        LyrikstoreError,
        Manifest,
        Offer,
        RemotePlace,
        Report,
        Store,
        verify_delivery,
    )

__all__ = [
    "CommitMetadata",
    "CommitOptions",
    "Digest",
    "Issuance",
    "KeyFolder",
    "Licence",
    "LyrikstoreError",
    "Manifest",
    "Offer",
    "RemotePlace",
    "Report",
    "Store",
    "__version__",
    "verify_delivery",
]


def __getattr__(name: str) -> Any:
    """Load a public name from the facade, which loads it from the layer that owns it."""
    if name not in __all__:
        raise AttributeError(f"module 'lyrikstore' has no attribute {name!r}")
    from lyrikstore import api

    return getattr(api, name)
