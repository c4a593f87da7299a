"""The facade that notebooks, services and the command line import.

:class:`~lyrikstore.api.store.Store` is where to begin. What it takes and gives has its name here,
and so has what needs no store: a delivery to verify, keys, terms to combine, the page. Each loads
when it is first asked for, so that importing this costs nothing. Below it are layers that a later
version may change; errors, texts and times are in :mod:`lyrikstore.canon`.
"""

from lyrikstore.lazy import lazily

__getattr__ = lazily(__name__, __file__)
