"""A trained checkpoint as one ONNX model with calibrated logits (spec §14.7.3)."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import pluralize
from lyrikstore.train.worker.export.word_graph import WordGraph
from lyrikstore.train.worker.models.network import Network
from lyrikstore.train.worker.models.unlike import ClassDistances
from lyrikstore.verify.evaluation.choice.unlike import UNLIKE

OPSET = 18
MODEL = "onnx/model.onnx"
TOKENS, MASK, WORDS, CHARACTERS = "input_ids", "attention_mask", "word_ids", "character_ids"
"""Inputs: token ids, attention mask, word ids and character ids; int64."""

_LOGITS = "logits"
_IR = 9
_MOST = (1 << 31) - (1 << 20)
"""Most bytes of a model in one file: the limit of Protocol Buffers."""


def encoder_model(
    network: Network,
    closing: int | None,
    temperature: float,
    distances: ClassDistances | None,
    output: str = _LOGITS,
) -> ModelProto:
    """Return an encoder with its classifier as an ONNX model.

    Args:
        network: The network to export.
        closing: The token that ends every sequence, if there is one.
        temperature: The divisor of the logits.
        distances: Measures how unlike the training data a text is; None: the model does not.
        output: Name of the output with logits; the one with distances is :data:`UNLIKE`.

    Raises:
        InvalidInputError: (``too-large``) the model does not fit into one file.
    """
    import torch
    from torch import Tensor, nn
    from transformers import BertModel

    from lyrikstore.train.worker.models.encoder import pooled

    size = sum(one.numel() * 4 for one in network.encoder.parameters())
    if size > _MOST:
        raise InvalidInputError(
            "too-large",
            f"its encoder has {pluralize(size, 'byte')}, and one file of ONNX at most {_MOST}",
            hint="use --to hf",
        )
    if isinstance(network.encoder, BertModel):
        _cut_positions(network.encoder, network.max_tokens)

    class Served(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = network.encoder
            self.linear = nn.Linear(*reversed(network.weight.shape))
            with torch.no_grad():
                self.linear.weight.copy_(torch.from_numpy(network.weight / temperature))
                self.linear.bias.copy_(torch.from_numpy(network.bias / temperature))
            if distances is not None:
                scale = 1 / np.sqrt(distances.variances)
                self.register_buffer("scale", torch.from_numpy(scale))
                self.register_buffer("centroids", torch.from_numpy(distances.centroids * scale))

        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
            if closing is not None:
                # transformers.js cuts off what is too long together with the token that ends it.
                last = torch.arange(input_ids.shape[1]) == network.max_tokens - 1
                input_ids = torch.where(last & (attention_mask == 1), closing, input_ids)
            vectors = pooled(self.encoder, (input_ids, attention_mask), network.pooling)
            length = torch.linalg.vector_norm(vectors, dim=1, keepdim=True).clamp_min(1e-12)
            unit = vectors / length
            logits = self.linear(unit if network.unit else vectors)
            if distances is None:
                return logits
            apart = (unit * self.scale).unsqueeze(1) - self.centroids
            return logits, apart.square().mean(2).amin(1).sqrt()

    example = torch.ones((2, min(7, network.max_tokens)), dtype=torch.long)
    axes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    with torch.inference_mode():
        program: Any = torch.onnx.export(
            Served().eval(),
            (example, example.clone()),
            input_names=[TOKENS, MASK],
            output_names=[output, *([UNLIKE] if distances is not None else [])],
            opset_version=OPSET,
            dynamic_shapes={TOKENS: axes, MASK: axes},
            dynamo=True,
            verbose=False,
        )
    return cast("ModelProto", program.model_proto)


def _cut_positions(encoder: Any, length: int) -> None:
    # What is longer than the sealed model reads ends in an error, and not in another answer.
    from torch import nn

    embeddings = encoder.embeddings
    weight = embeddings.position_embeddings.weight[:length].detach()
    embeddings.position_embeddings = nn.Embedding(len(weight), weight.shape[1])
    embeddings.position_embeddings.weight.data.copy_(weight)
    embeddings.position_ids = embeddings.position_ids[:, :length]
    embeddings.token_type_ids = embeddings.token_type_ids[:, :length]


def word_model(words: WordGraph, labels: int) -> ModelProto:
    """Return an ONNX model of word counts alone."""
    nodes = [*words.nodes, helper.make_node("Identity", [words.output], [_LOGITS])]
    inputs = [_tokens(name, name) for name in words.inputs]
    graph = helper.make_graph(nodes, "lyrikstore", inputs, [_logits(labels)], words.constants)
    return _model(graph)


def blended_model(
    other: ModelProto, given: str, words: WordGraph, about: tuple[bool, float, float], labels: int
) -> ModelProto:
    """Return an ONNX model that blends the probabilities of two models.

    Args:
        other: The encoder's model.
        given: Name of the encoder's output with logits.
        words: Word counts over :data:`WORDS` and :data:`CHARACTERS`.
        about: Whether a record may have several labels; weight of the encoder; temperature of
        the blend.
        labels: Number of labels.
    """
    several, weight, temperature = about
    scale = "Sigmoid" if several else "Softmax"
    constants: dict[str, float] = {
        "blend.other": weight,
        "blend.words": 1 - weight,
        "blend.least": 1e-12,
        "blend.temperature": temperature,
    }
    steps = [
        (scale, [given], "blend.p2"),
        (scale, [words.output], "blend.p1"),
        ("Mul", ["blend.p1", "blend.words"], "blend.q1"),
        ("Mul", ["blend.p2", "blend.other"], "blend.q2"),
        ("Add", ["blend.q1", "blend.q2"], "blend.p"),
        ("Max", ["blend.p", "blend.least"], "blend.some"),
        ("Log", ["blend.some"], "blend.log"),
    ]
    last = "blend.log"
    if scale == "Sigmoid":
        constants["blend.one"] = 1.0
        steps += [
            ("Sub", ["blend.one", "blend.p"], "blend.not"),
            ("Max", ["blend.not", "blend.least"], "blend.rest"),
            ("Log", ["blend.rest"], "blend.lognot"),
            ("Sub", ["blend.log", "blend.lognot"], "blend.odds"),
        ]
        last = "blend.odds"
    steps.append(("Div", [last, "blend.temperature"], _LOGITS))
    nodes = [helper.make_node(kind, taken, [name]) for kind, taken, name in steps]
    made = [numpy_helper.from_array(np.asarray(v, np.float32), k) for k, v in constants.items()]
    graph = other.graph
    graph.node.extend([*words.nodes, *nodes])
    graph.initializer.extend([*words.constants, *made])
    graph.input.extend([_tokens(name, name) for name in words.inputs])
    kept = [one for one in graph.output if one.name != given]
    del graph.output[:]
    graph.output.extend([_logits(labels), *kept])
    return other


def finished(model: ModelProto, about: Mapping[str, str]) -> bytes:
    """Return the bytes of a model, with metadata that describes it.

    Raises:
        ValueError: The model is too large for one file, or invalid.
    """
    del model.metadata_props[:]
    helper.set_model_props(model, dict(about))
    model.producer_name, model.producer_version = "lyrikstore", ""
    # Where in our sources a node came from names folders of this machine.
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in model.graph.value_info:
        del value.metadata_props[:]
    checker.check_model(model)
    return bytes(model.SerializeToString())


def _model(graph: Any) -> ModelProto:
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(graph, opset_imports=[opset], ir_version=_IR)


def _tokens(name: str, length: str = "length") -> Any:
    return helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", length])


def _logits(labels: int) -> Any:
    return helper.make_tensor_value_info(_LOGITS, TensorProto.FLOAT, ["texts", labels])
