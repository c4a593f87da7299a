"""What the command line takes besides :mod:`lyrikstore.api`; ``commands.pyi`` is the table."""

from lyrikstore.lazy import lazily

__getattr__ = lazily(__name__, __file__)
