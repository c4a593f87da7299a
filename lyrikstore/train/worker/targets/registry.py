"""What a checkpoint can be deployed to, one entry each (spec §14.7.1).

What a target writes and how its folder is loaded is one module, whose parts are in
:class:`TargetModule`; `--to`, its help and the schemas are held to the entries.
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
    """A generative model, as the texts of a target are about it.

    Attributes:
        name: What it is called where it is served.
        settings: Of its base's ``config.json``.
        tokenizer: The base's ``tokenizer.json``.
        adapter: Of ``adapter_config.json``, ``r`` at least.
        quantization: What the base was trained on in; empty: as it is.
        chat: Its chat template; empty: it has none.
        choices: The only answers; empty: any.
        max_tokens: Longest sequence.
        answer_tokens: Longest answer.
        around: The text before and after what is asked.
        end: The text of the token that ends an answer.
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
    """What a folder says of how it is loaded.

    Attributes:
        how: How, in Markdown.
        files: Name → bytes of what goes with it.
        answers: How a generative model is held to its choices, in Markdown.
        checks: What else checks the folder, in Markdown.
    """

    how: str
    files: Mapping[str, bytes]
    answers: str = ""
    checks: str = ""


class TargetModule(Protocol):
    """What the module of a target has."""

    def check(self, model: TextModel, /) -> None:
        """Refuse a generative model that is not served; only where there are such.

        Raises:
            InvalidInputError: (``no-such-target``) it is not.
        """

    def usage(self, model: Any, /) -> Usage:
        """Return how the folder is loaded.

        Args:
            model: A :class:`TextModel`; of a model with labels the body of its checkpoint.
        """

    def write(self, job: Mapping[str, Any], files: "StagedFiles", out: "Output", /) -> None:
        """Write the files of the target, in a worker.

        Args:
            job: What the task says of the model.
            files: The checkpoint, and its base where it needs it.
            out: Takes them.
        """

    def read(self, folder: Path, job: Mapping[str, Any], /) -> Any:
        """Return what answers with a deployed folder, in a worker."""


class Target(Struct, frozen=True):
    """One target.

    Attributes:
        name: What commands call it.
        loader: What loads the folder.
        about: What it is, as ``--help`` says it.
        formats: Formats of checkpoints that it can answer like.
        files: A pattern of the names of files that it writes.
        packages: What has to be installed to write it.
        check_packages: What has to be installed besides to ask it.
        asked_with: The packages that load the folder and answer where it is compared.
        extras: Where those come from.
        quantization: How weights are rounded: ``none`` where they are as sealed.
        module: Where its :class:`TargetModule` is.
        tells_unlike: Whether its folder tells which texts are unlike the training data.
    """

    name: str
    loader: str
    about: str
    formats: frozenset[str]
    files: str
    packages: tuple[str, ...]
    extras: str
    module: str
    asked_with: tuple[str, ...]
    check_packages: tuple[str, ...] = ()
    quantization: str = "none"
    tells_unlike: bool = False

    @property
    def asked_by(self) -> str:
        """The programs that answer where a folder is compared, with their versions."""
        return ", ".join(f"{one} {metadata.version(one)}" for one in self.asked_with)

    @property
    def part(self) -> TargetModule:
        """Its module."""
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
        asked_with=("transformers",),
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
        tells_unlike=True,
        asked_with=("onnxruntime",),
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
        asked_with=("xllamacpp",),
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
        asked_with=("transformers", "peft"),
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
    if form not in target.formats:
        fitting = [one.name for one in _ALL if form in one.formats]
        raise InvalidInputError(
            "no-such-target",
            f"nothing that {target.loader} loads gives the answers of {form}",
            hint=f"use --to {', --to '.join(fitting)}" if fitting else "",
        )
    if fields and form in WITH_WORDS:
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


def refused(reason: str, hint: str) -> InvalidInputError:
    """Return the error for a model that a target does not serve."""
    return InvalidInputError("no-such-target", reason, hint=hint)
