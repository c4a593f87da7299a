"""What the parts of the facade call of the layers below; ``stages.pyi`` is the table."""

from lyrikstore.lazy import lazily

__getattr__ = lazily(__name__, __file__)
