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
    from lyrikstore.api.store import Store
    from lyrikstore.api.verify import verify_delivery
    from lyrikstore.canon.digest import Digest
    from lyrikstore.canon.errors import LyrikstoreError
    from lyrikstore.crypto.keys.keyring import KeyFolder
    from lyrikstore.curate.commit.inputs import CommitMetadata, CommitOptions
    from lyrikstore.curate.terms.offer import Offer
    from lyrikstore.history.manifests.manifest import Manifest
    from lyrikstore.publish.identity.issuer import Issuance
    from lyrikstore.publish.issue.grant import Licence
    from lyrikstore.verify.report import Report

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
    "Report",
    "Store",
    "__version__",
    "verify_delivery",
]

_LAZY = {
    "CommitOptions": "lyrikstore.curate.commit.inputs",
    "Digest": "lyrikstore.canon.digest",
    "Issuance": "lyrikstore.publish.identity.issuer",
    "KeyFolder": "lyrikstore.crypto.keys.keyring",
    "Licence": "lyrikstore.publish.issue.grant",
    "LyrikstoreError": "lyrikstore.canon.errors",
    "Manifest": "lyrikstore.history.manifests.manifest",
    "Offer": "lyrikstore.curate.terms.offer",
    "Report": "lyrikstore.verify.report",
    "CommitMetadata": "lyrikstore.curate.commit.inputs",
    "Store": "lyrikstore.api.store",
    "verify_delivery": "lyrikstore.api.verify",
}


def __getattr__(name: str) -> Any:
    """Load a public name from the module that owns it."""
    from importlib import import_module

    if name not in _LAZY:
        raise AttributeError(f"module 'lyrikstore' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
