"""The shape of a base model, from the settings of its ``config.json``.

Four families of encoders: BERT, RoBERTa and DistilBERT have the same layers under other names;
    ModernBERT has
gated layers without biases and without learned positions.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Self

from msgspec import Struct

from lyrikstore.train.formats.architectures import family_of
from lyrikstore.train.formats.decoders.families import heads_of

_MODERN = "modernbert"


class EncoderShape(Struct, frozen=True):
    """The dimensions of a base model.

    Attributes:
        family: Its ``model_type``.
        width: Length of its vectors.
        inner: Width inside a layer; of gated layers, of each half.
        layers: Number of layers.
        heads: Attention heads of a layer.
        vocabulary: Number of tokens in the vocabulary.
        positions: Longest sequence, in tokens.
        other_embeddings: Rows of embedding tables besides the vocabulary's; of a generative
            model those of its head, if the head has its own weights.
        attention_width: Of a generative model, the width of all query heads together; 0: it is an
            encoder.
        shared_width: Of a generative model, the width of all key heads together.
    """

    family: str
    width: int
    inner: int
    layers: int
    heads: int
    vocabulary: int
    positions: int
    other_embeddings: int
    attention_width: int = 0
    shared_width: int = 0

    @classmethod
    def of_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Return the shape of a base model.

        Args:
            settings: The result of
                :func:`lyrikstore.train.formats.base_model.check_model_config`.
        """
        family = family_of(settings)
        width, inner, layers, heads = (int(settings[name]) for name in family.shape)
        if family.is_decoder:
            count, shared, each = heads_of(settings)
            tied = settings.get("tie_word_embeddings", family.model_type.startswith("gemma"))
            return cls(
                family=family.model_type,
                width=width,
                inner=inner,
                layers=layers,
                heads=heads,
                vocabulary=int(settings["vocab_size"]),
                positions=family.positions(settings),
                other_embeddings=0 if tied else int(settings["vocab_size"]),
                attention_width=count * each,
                shared_width=shared * each,
            )
        positions = int(settings["max_position_embeddings"])
        kinds = int(settings.get("type_vocab_size", 0))
        return cls(
            family=family.model_type,
            width=width,
            inner=inner,
            layers=layers,
            heads=heads,
            vocabulary=int(settings["vocab_size"]),
            positions=family.positions(settings),
            other_embeddings=0 if family.model_type == _MODERN else positions + kinds,
        )

    @property
    def is_decoder(self) -> bool:
        """Whether the model is generative."""
        return self.attention_width > 0

    @property
    def is_gated(self) -> bool:
        """Whether its layers are gated and have no biases."""
        return self.family == _MODERN or self.is_decoder

    @property
    def embedding_parameters(self) -> int:
        """Parameters of its embedding tables and of the normalisation after them."""
        norm = self.width if self.is_gated else 2 * self.width
        return (self.vocabulary + self.other_embeddings) * self.width + norm

    @property
    def matrix_parameters(self) -> int:
        """Parameters of the matrices of its layers, with which every token is multiplied."""
        inner = (3 if self.is_gated else 2) * self.width * self.inner
        if self.is_decoder:
            attention = 2 * self.width * (self.attention_width + self.shared_width)
            return self.layers * (attention + inner)
        return self.layers * (4 * self.width**2 + inner)

    @property
    def layer_parameters(self) -> int:
        """Parameters of its layers, biases and normalisation included."""
        if self.is_gated:  # its first layer has one normalisation less; one follows the last
            return self.matrix_parameters + self.layers * 2 * self.width
        beside = 9 * self.width + self.inner
        return self.matrix_parameters + self.layers * beside

    @property
    def parameters(self) -> int:
        """All parameters, without a pooling layer."""
        return self.embedding_parameters + self.layer_parameters

    def adapter_parameters(self, targets: Iterable[str], rank: int, layers: int) -> int:
        """Return the parameters of a LoRA adapter: ``rank`` × (in + out) of each linear layer.

        Args:
            targets: Names of linear layers, as the config's ``lora.targets``.
            rank: Rank of the adapter.
            layers: Number of layers with an adapter.
        """
        sizes = self._linear_sizes()
        found = sum(both for name in targets for both in sizes.get(name, ()))
        return layers * rank * found

    def _linear_sizes(self) -> dict[str, tuple[int, ...]]:
        """Return the sum of inputs and outputs of each linear layer, by its name."""
        square, wide = 2 * self.width, self.width + self.inner
        match self.family:
            case "phi3":
                attention = self.attention_width + 2 * self.shared_width
                return {
                    "qkv_proj": (self.width + attention,),
                    "o_proj": (self.attention_width + self.width,),
                    "gate_up_proj": (self.width + 2 * self.inner,),
                    "down_proj": (wide,),
                }
            case _ if self.is_decoder:
                return {
                    **dict.fromkeys(("q_proj", "o_proj"), (self.width + self.attention_width,)),
                    **dict.fromkeys(("k_proj", "v_proj"), (self.width + self.shared_width,)),
                    **dict.fromkeys(("gate_proj", "up_proj", "down_proj"), (wide,)),
                }
            case "modernbert":
                return {
                    "Wqkv": (4 * self.width,),
                    "Wo": (square, wide),
                    "Wi": (self.width + 2 * self.inner,),
                }
            case "distilbert":
                names = ("q_lin", "k_lin", "v_lin", "out_lin")
                return {**dict.fromkeys(names, (square,)), "lin1": (wide,), "lin2": (wide,)}
            case _:
                return {
                    **dict.fromkeys(("query", "key", "value"), (square,)),
                    "dense": (square, wide, wide),
                }
