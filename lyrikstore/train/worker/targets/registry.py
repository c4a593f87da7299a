"""Registry of deployment targets, one entry each (spec §14.7.1).

Each target has one module, a :class:`TargetModule`, that writes its files and loads its folder.
`--to`, its help and the schemas are generated from the entries.
"""

from collections.abc import Mapping
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.formats.blend import WITH_WORDS

if TYPE_CHECKING:
    from lyrikstore.train.worker.export.output import Output
    from lyrikstore.train.worker.hashed_read import StagedFiles

_MODULES = "lyrikstore.train.worker.targets"
_TOKENIZER = r"tokenizer(_config)?\.json"


class TextModel(Struct, frozen=True):
    """The facts about a generative model that a target's texts need.

    Attributes:
        name: Its name on the server.
        settings: The content of the base's ``config.json``.
        tokenizer: The base's ``tokenizer.json``.
        adapter: Members of ``adapter_config.json``, at least ``r``.
        quantization: Quantization of the base in training; empty: none.
        chat: Its chat template; empty: it has none.
        choices: The allowed answers; empty: any answer.
        max_tokens: Longest sequence.
        answer_tokens: Longest answer.
        around: The text before and after the prompt.
        end: The text of the end token.
    """

    name: str
    settings: Mapping[str, Any]
    tokenizer: bytes
    adapter: Mapping[str, Any]
    quantization: str
    chat: str = ""
    choices: tuple[str, ...] = ()
    max_tokens: int = 0
    answer_tokens: int = 0
    around: tuple[str, str] = "", ""
    end: str = ""


class Usage(Struct, frozen=True):
    """The texts of a deployed folder about its use.

    Attributes:
        how: How it is loaded, in Markdown.
        files: Name → bytes of files for its use.
        answers: How a generative model is restricted to its choices, in Markdown.
        checks: Other checks of the folder, in Markdown.
    """

    how: str
    files: Mapping[str, bytes]
    answers: str = ""
    checks: str = ""


class TargetModule(Protocol):
    """Protocol of the module of a target."""

    def check(self, model: TextModel, /) -> None:
        """Raise ``no-such-target`` unless the target serves this generative model.

        Only targets for generative models have this function.

        Raises:
            InvalidInputError: (``no-such-target``) the target does not serve it.
        """

    def usage(self, model: Any, /) -> Usage:
        """Return how the folder is loaded.

        Args:
            model: A :class:`TextModel`; for a model with labels the body of its checkpoint.
        """

    def write(self, job: Mapping[str, Any], files: "StagedFiles", out: "Output", /) -> None:
        """Write the files of the target, in a worker.

        Args:
            job: The members of the task about the model.
            files: The checkpoint, and its base if it has one.
            out: Receives the files.
        """

    def read(self, folder: Path, job: Mapping[str, Any], /) -> Any:
        """Return the interface to the model of a deployed folder; called in a worker."""


class Target(Struct, frozen=True):
    """One deployment target.

    Attributes:
        name: Its name on the command line.
        loader: The software that loads the folder.
        about: Its description in ``--help``.
        formats: Formats of checkpoints whose answers it can give.
        files: A pattern of the names of the files that it writes.
        packages: Packages that must be installed to write it.
        check_packages: Further packages that must be installed for ``--check``.
        inference_packages: The packages that load the folder and answer in a comparison.
        extras: The extras that install these packages.
        quantization: Rounding of the weights: ``none`` if they are as sealed.
        module: Import path of its :class:`TargetModule`.
        detects_unlike: Whether its folder detects texts unlike the training data.
    """

    name: str
    loader: str
    about: str
    formats: frozenset[str]
    files: str
    packages: tuple[str, ...]
    extras: str
    module: str
    inference_packages: tuple[str, ...]
    check_packages: tuple[str, ...] = ()
    quantization: str = "none"
    detects_unlike: bool = False

    @property
    def asked_by(self) -> str:
        """The packages that answer in a comparison, with their versions."""
        return ", ".join(f"{one} {metadata.version(one)}" for one in self.inference_packages)

    @property
    def part(self) -> TargetModule:
        """Module of the target."""
        return cast("TargetModule", import_module(self.module))


# Formats by their ids: whoever lists targets loads no format.
_TUNED = frozenset({"peft-lora/1", "encoder/1"})
_GENERATIVE = frozenset({"decoder-lora/1"})
_ALL = (
    Target(
        name="hf",
        loader="transformers, AutoModelForSequenceClassification",
        about="what transformers loads",
        formats=_TUNED,
        files=rf"config\.json|model\.safetensors|{_TOKENIZER}",
        packages=("torch", "transformers", "peft", "safetensors"),
        extras="train",
        module=f"{_MODULES}.hf",
        inference_packages=("transformers",),
    ),
    Target(
        name="onnx",
        loader="ONNX Runtime",
        about="what ONNX Runtime and transformers.js load",
        formats=_TUNED | WITH_WORDS | {"embeddings/1"},
        files=rf"config\.json|onnx/model\.onnx|((words|characters)/)?{_TOKENIZER}",
        packages=("torch", "transformers", "peft", "scikit-learn", "onnx", "onnxscript"),
        check_packages=("onnxruntime",),
        extras="train,deploy",
        module=f"{_MODULES}.onnx",
        detects_unlike=True,
        inference_packages=("onnxruntime",),
    ),
    Target(
        name="gguf",
        loader="llama.cpp and Ollama",
        about="what llama.cpp and Ollama load, of generative models",
        formats=_GENERATIVE,
        files=r"model-f16\.gguf|grammar\.gbnf",
        packages=("torch", "transformers", "peft", "gguf"),
        check_packages=("xllamacpp",),
        extras="train,gguf",
        quantization="f16",
        module=f"{_MODULES}.gguf",
        inference_packages=("xllamacpp",),
    ),
    Target(
        name="vllm",
        loader="vLLM",
        about="a base and an adapter, of generative models",
        formats=_GENERATIVE,
        files=r"base/(config|tokenizer)\.json|base/model(-\d{5}-of-\d{5})?\.safetensors"
        r"|adapter/adapter_(model\.safetensors|config\.json)",
        packages=("torch", "transformers", "peft"),
        extras="train",
        module=f"{_MODULES}.vllm",
        inference_packages=("transformers", "peft"),
    ),
)
TARGETS: Mapping[str, Target] = {one.name: one for one in _ALL}
"""Name → target."""


def target_for(name: str, form: str, *, fields: bool, check: bool) -> Target:
    """Return the target of a name, if it can give the answers of a checkpoint's format.

    Args:
        name: One of :data:`TARGETS`.
        form: The checkpoint's format.
        fields: Whether its run reads further fields in word counts.
        check: Whether the deployed folder will be compared, which needs more packages.

    Raises:
        InvalidInputError: (``no-such-target``) the target does not exist, or does not support
        the checkpoint; (``extra-missing``) a package that it needs is not installed.
    """
    target = TARGETS.get(name)
    if target is None:
        raise InvalidInputError(
            "no-such-target",
            f"{name[:40]!r} is not a target",
            hint=f"known: {', '.join(TARGETS)}",
        )
    if form not in target.formats:
        fitting = [one.name for one in _ALL if form in one.formats]
        raise InvalidInputError(
            "no-such-target",
            f"{target.loader} cannot give the answers of {form}",
            hint=f"use --to {', --to '.join(fitting)}" if fitting else "",
        )
    if fields and form in WITH_WORDS:
        raise InvalidInputError(
            "no-such-target",
            "the model reads fields besides the text, and no exported format supports this",
            hint="use lyrikstore predict, or train a model without [data] fields",
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


def refused(reason: str, hint: str) -> InvalidInputError:
    """Return the error for a model that a target does not serve."""
    return InvalidInputError("no-such-target", reason, hint=hint)
