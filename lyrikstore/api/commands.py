"""Names that only the command line imports, besides :mod:`lyrikstore.api`; see ``commands.pyi``."""

from lyrikstore.lazy import lazily

__getattr__ = lazily(__name__, __file__)
