"""Functions of lower layers that the parts of the facade call; see ``stages.pyi``."""

from lyrikstore.lazy import lazily

__getattr__ = lazily(__name__, __file__)
