"""Lyrikstore: the evidence layer between a dataset's licence and a shipped model.

Example:
    >>> import lyrikstore
    >>> store = lyrikstore.Store.open("corpus")            # doctest: +SKIP
    >>> store.resolve("acme/licences")                     # doctest: +SKIP

Heavy modules load on first use, so that ``import lyrikstore`` stays fast.
"""

from typing import TYPE_CHECKING, Any

from lyrikstore.version import __version__

if TYPE_CHECKING:
    from lyrikstore.canon.digest import Digest
    from lyrikstore.canon.errors import LyrikstoreError
    from lyrikstore.store import Store

__all__ = ["Digest", "LyrikstoreError", "Store", "__version__"]

_LAZY = {
    "Digest": "lyrikstore.canon.digest",
    "LyrikstoreError": "lyrikstore.canon.errors",
    "Store": "lyrikstore.store",
}


def __getattr__(name: str) -> Any:
    """Load a public name from the floor that owns it."""
    from importlib import import_module

    if name not in _LAZY:
        raise AttributeError(f"module 'lyrikstore' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
