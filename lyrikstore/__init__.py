"""Lyrikstore: the evidence layer between a dataset's licence and a shipped model.

Example:
    >>> import lyrikstore
    >>> lyrikstore.verify_delivery("delivery", trust_file=trust)            # doctest: +SKIP
    >>> lyrikstore.Store.open("corpus", memory_dir=logs, trust_file=trust)  # doctest: +SKIP

docs/python.md shows the whole way, from a folder of documents to a delivery.

Heavy modules load on first use, so that ``import lyrikstore`` stays fast.
"""

from typing import TYPE_CHECKING, Any

from lyrikstore.version import __version__

if TYPE_CHECKING:
    from lyrikstore.canon.digest import Digest
    from lyrikstore.canon.errors import LyrikstoreError
    from lyrikstore.credentials.report import Report
    from lyrikstore.crypto.keyfolder import KeyFolder
    from lyrikstore.curate.offer import Offer
    from lyrikstore.curate.stated import Allowed, Stated
    from lyrikstore.delivery import verify_delivery
    from lyrikstore.history.manifest import Manifest
    from lyrikstore.publish.granting import Licence
    from lyrikstore.publish.issuer import Issuance
    from lyrikstore.store import Store

__all__ = [
    "Allowed",
    "Digest",
    "Issuance",
    "KeyFolder",
    "Licence",
    "LyrikstoreError",
    "Manifest",
    "Offer",
    "Report",
    "Stated",
    "Store",
    "__version__",
    "verify_delivery",
]

_LAZY = {
    "Allowed": "lyrikstore.curate.stated",
    "Digest": "lyrikstore.canon.digest",
    "Issuance": "lyrikstore.publish.issuer",
    "KeyFolder": "lyrikstore.crypto.keyfolder",
    "Licence": "lyrikstore.publish.granting",
    "LyrikstoreError": "lyrikstore.canon.errors",
    "Manifest": "lyrikstore.history.manifest",
    "Offer": "lyrikstore.curate.offer",
    "Report": "lyrikstore.credentials.report",
    "Stated": "lyrikstore.curate.stated",
    "Store": "lyrikstore.store",
    "verify_delivery": "lyrikstore.delivery",
}


def __getattr__(name: str) -> Any:
    """Load a public name from the floor that owns it."""
    from importlib import import_module

    if name not in _LAZY:
        raise AttributeError(f"module 'lyrikstore' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
