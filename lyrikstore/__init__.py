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

from lyrikstore.lazy import lazily, places_of
from lyrikstore.version import __version__ as __version__

__all__ = sorted(places_of(__file__))  # noqa: PLE0605 - what the stub says

__getattr__ = lazily(__name__, __file__)
