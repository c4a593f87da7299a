"""The facade that notebooks, services and the command line import.

:class:`~lyrikstore.api.store.Store` is where to begin. What its parts take has its name here, and
so has what needs no store: a delivery to verify, keys, terms to combine. Each loads when it is
first asked for, so that importing this costs nothing. :mod:`lyrikstore.api.commands` has what only
the command line takes. Below are layers that a later version may change; errors, texts and times
are in :mod:`lyrikstore.canon`.
"""

from lyrikstore.lazy import lazily

__getattr__ = lazily(__name__, __file__)
