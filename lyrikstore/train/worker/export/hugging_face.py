"""Export of a trained BERT or RoBERTa to transformers' own class, same answers (spec §14.7.2).

That class applies a layer with tanh to the vector of the first token, and then a linear
classifier. Ours takes the first vector, or the mean, and applies the classifier directly. Both can
be expressed as weights of that class, up to the rounding of fp32:

- tanh(x) is x for a small x. The layer scales by 2⁻¹², the classifier by 2¹².
- Attention whose queries and keys are 0 gives each token the mean of all unmasked tokens.
So one more layer turns the first vector into the mean. Two operations of a layer must not change
it: the residual sum with the old vector, so the last layer is scaled down first; and layer
normalisation, which is linear where the variance is far below its epsilon. The scale and shift
of the last normalisation move into the classifier: without them the vectors have the mean 0,
which normalisation would subtract.

All scales are powers of two, and bf16 holds them. fp16 does not: 2²⁶ is infinite there, so such
answers are NaN rather than wrong.
"""

from collections.abc import Mapping
from typing import Any

import torch
from msgspec import Struct
from safetensors.torch import save
from torch import Tensor

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.formats.architectures import family_of
from lyrikstore.train.formats.base_model import CONFIG, WEIGHTS
from lyrikstore.train.worker.export.output import Output
from lyrikstore.train.worker.models.network import Network

_SMALL = 2.0**-60  # what the last layer's vectors are scaled by
_MEAN = 2.0**26  # what their mean is scaled by: beside it the old vector is rounded away
_AGAIN = 2.0**-20  # between two normalisations
_POOLED = 2.0**-12  # where tanh is linear


class _Class(Struct, frozen=True):
    """A class of transformers: its name, and the names of its parts in a file of weights."""

    name: str
    encoder: str
    dense: str
    classifier: str


def _like_roberta(name: str) -> _Class:
    return _Class(name, "roberta", "classifier.dense", "classifier.out_proj")


_CLASSES: Mapping[str, _Class] = {
    "bert": _Class("BertForSequenceClassification", "bert", "bert.pooler.dense", "classifier"),
    "roberta": _like_roberta("RobertaForSequenceClassification"),
    "xlm-roberta": _like_roberta("XLMRobertaForSequenceClassification"),
}
"""``model_type`` → class of transformers."""


def write_classifier(
    network: Network, out: Output, settings: dict[str, Any], temperature: float
) -> None:
    """Write ``config.json`` and ``model.safetensors``.

    Args:
        network: A BERT or RoBERTa.
        out: Receives the files.
        settings: Settings of the base model and of the labels.
        temperature: The divisor of the logits.

    Raises:
        InvalidInputError: (``no-such-target``) no class of transformers can express the network.
    """
    known = _CLASSES.get(settings["model_type"])
    if known is None or network.unit:
        raise InvalidInputError(
            "no-such-target",
            "no class of transformers can give the same answers as this model",
            hint="use --to onnx",
        )
    prefix = f"{known.encoder}."
    tensors = {f"{prefix}{name}": value for name, value in network.encoder.state_dict().items()}
    positions = f"{prefix}embeddings.position_embeddings.weight"
    read = network.max_tokens + family_of(settings).unused_positions
    # A text longer than the sealed model reads ends in an error, and not in a different answer.
    tensors[positions] = tensors[positions][:read]
    weight, bias = torch.from_numpy(network.weight), torch.from_numpy(network.bias)
    layers, width = int(settings["num_hidden_layers"]), int(settings["hidden_size"])
    identity = torch.eye(width)
    scale = _POOLED
    if network.pooling == "mean":
        last = f"{prefix}encoder.layer.{layers - 1}.output.LayerNorm"
        spread, shift = (tensors[f"{last}.{name}"].double() for name in ("weight", "bias"))
        weight, bias = weight * spread, bias + weight @ shift
        tensors[f"{last}.weight"] = torch.full((width,), _SMALL)
        tensors[f"{last}.bias"] = torch.zeros(width)
        tensors |= _mean_layer(f"{prefix}encoder.layer.{layers}", settings, identity)
        scale = _POOLED / (_SMALL * _MEAN * _AGAIN / network.encoder.config.layer_norm_eps)
        layers += 1
    tensors[f"{known.dense}.weight"] = identity * scale
    tensors[f"{known.dense}.bias"] = torch.zeros(width)
    tensors[f"{known.classifier}.weight"] = weight / (_POOLED * temperature)
    tensors[f"{known.classifier}.bias"] = bias / temperature
    out.write_json(
        CONFIG,
        {
            **settings,
            "architectures": [known.name],
            "dtype": "float32",
            "max_position_embeddings": read,
            "num_hidden_layers": layers,
        },
    )
    whole = {name: value.detach().float().contiguous() for name, value in tensors.items()}
    out.write(WEIGHTS, save(whole, {"format": "pt"}))


def _mean_layer(name: str, settings: dict[str, Any], identity: Tensor) -> dict[str, Tensor]:
    """Return the weights of a layer that replaces each vector by the mean of all."""
    width, inner = len(identity), int(settings["intermediate_size"])
    none = torch.zeros(width)
    found = {
        f"{name}.attention.self.query.weight": torch.zeros(width, width),
        f"{name}.attention.self.query.bias": none,
        f"{name}.attention.self.key.weight": torch.zeros(width, width),
        f"{name}.attention.self.key.bias": none,
        f"{name}.attention.self.value.weight": identity * _MEAN,
        f"{name}.attention.self.value.bias": none,
        f"{name}.attention.output.dense.weight": identity,
        f"{name}.attention.output.dense.bias": none,
        f"{name}.attention.output.LayerNorm.weight": torch.full((width,), _AGAIN),
        f"{name}.attention.output.LayerNorm.bias": none,
        f"{name}.intermediate.dense.weight": torch.zeros(inner, width),
        f"{name}.intermediate.dense.bias": torch.zeros(inner),
        f"{name}.output.dense.weight": torch.zeros(width, inner),
        f"{name}.output.dense.bias": none,
        f"{name}.output.LayerNorm.weight": torch.ones(width),
        f"{name}.output.LayerNorm.bias": none,
    }
    return {key: value.clone() for key, value in found.items()}  # shared memory is not saved
