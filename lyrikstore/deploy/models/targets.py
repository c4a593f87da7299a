"""What a checkpoint can be deployed to (spec §14.7.1)."""

from collections.abc import Mapping
from importlib import metadata

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.formats import adapter, blend, decoder, encoder, word_counts
from lyrikstore.train.formats.formats import BLEND, FORMATS


class Target(Struct, frozen=True):
    """One target.

    Attributes:
        name: What commands call it.
        loader: What loads the folder.
        formats: Formats of checkpoints that it can answer like.
        packages: What has to be installed to write it.
        check_packages: What has to be installed besides to ask it.
        extras: Where those come from.
    """

    name: str
    loader: str
    formats: frozenset[str]
    packages: tuple[str, ...]
    check_packages: tuple[str, ...]
    extras: str


_ALL = (
    Target(
        "hf",
        "transformers, AutoModelForSequenceClassification",
        frozenset({adapter.FORMAT, encoder.FORMAT}),
        ("torch", "transformers", "peft", "safetensors"),
        (),
        "train",
    ),
    Target(
        "onnx",
        "ONNX Runtime",
        frozenset({*FORMATS, BLEND} - {decoder.FORMAT}),
        ("torch", "transformers", "peft", "scikit-learn", "onnx", "onnxscript"),
        ("onnxruntime",),
        "train,deploy",
    ),
    Target(
        "gguf",
        "llama.cpp and Ollama",
        frozenset({decoder.FORMAT}),
        ("torch", "transformers", "peft", "gguf"),
        ("xllamacpp",),
        "train,gguf",
    ),
    Target(
        "vllm",
        "vLLM",
        frozenset({decoder.FORMAT}),
        ("torch", "transformers", "peft"),
        (),
        "train",
    ),
)
TARGETS: Mapping[str, Target] = {one.name: one for one in _ALL}
"""Name → target."""


def target_for(name: str, form: str, *, fields: bool, check: bool) -> Target:
    """Return a target that can answer like a checkpoint of some format.

    Args:
        name: One of :data:`TARGETS`.
        form: The checkpoint's format.
        fields: Whether its run named fields that join the text in word counts.
        check: Whether it is to be asked as well.

    Raises:
        InvalidInputError: (``no-such-target``) it cannot, or there is none;
            (``extra-missing``) a package that it needs is not installed.
    """
    target = TARGETS.get(name)
    if target is None:
        raise InvalidInputError(
            "no-such-target",
            f"{name[:40]!r} is no target",
            hint=f"known: {', '.join(TARGETS)}",
        )
    fitting = [one.name for one in _ALL if form in one.formats]
    if form not in target.formats:
        raise InvalidInputError(
            "no-such-target",
            f"nothing that {target.loader} loads gives the answers of {form}",
            hint=f"use --to {', --to '.join(fitting)}" if fitting else "",
        )
    if fields and form in {word_counts.FORMAT, blend.FORMAT}:
        raise InvalidInputError(
            "no-such-target",
            "it reads fields beside the text, which no exported form takes",
            hint="ask it with lyrikstore predict, or train one without [data] fields",
        )
    for package in (*target.packages, *(target.check_packages if check else ())):
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError:
            raise InvalidInputError(
                "extra-missing",
                f"deploying to {name} needs the package {package}, which is not installed",
                hint=f"pip install 'lyrikstore[{target.extras}]'",
            ) from None
    return target
