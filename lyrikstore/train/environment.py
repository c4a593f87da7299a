"""Description of the machine and packages of a run or evaluation (spec §13.5).

No described package is imported: the parent process never loads a machine-learning library.
"""

import platform
import sys
from decimal import Decimal
from importlib import metadata
from pathlib import Path
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.quoting import quote
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.train.requirements import CPU, CUDA
from lyrikstore.train.task import find_task, package_of_task
from lyrikstore.version import __version__

REQUIRED = ("torch", "transformers", "peft", "safetensors", "tokenizers", "numpy", "scikit-learn")
PACKAGES = (
    *REQUIRED,
    *("accelerate", "bitsandbytes", "blake3", "huggingface-hub", "jinja2", "scipy"),
)
"""Packages whose version can change a number in a result, or a prompt."""

SOURCES = ("train", "verify/evaluation/choice")
"""Folders whose sources determine the result of a run; the second one chooses a candidate."""

MEMORY_SHARE = Decimal("0.85")
"""Share of the memory of a machine or GPU that a plan may use: plans can be too low."""

_ARITHMETIC = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "sve", "bf16")
"""Processor features that change how libraries add numbers; the processor's name omits them."""


def describe_environment(threads: int, task: str = "") -> dict[str, Any]:
    """Return the ``environment`` member of a run or evaluation.

    Args:
        threads: CPU threads of the worker.
        task: Name of the task; the package that provides it is listed with the others.

    Raises:
        InvalidInputError: (``extra-missing``) a package that training needs is not installed.
    """
    packages = {}
    for name in sorted(PACKAGES):
        try:
            packages[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            if name in REQUIRED:
                raise InvalidInputError(
                    "extra-missing",
                    f"training needs the package {name}, which is not installed",
                    hint="pip install 'lyrikstore[train]'",
                ) from None
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{platform.platform()}; {_processor()}",
        "packages": packages | package_of_task(task),
        "threads": threads,
    }


def precision_of(wanted: str, device: str = CPU) -> str:
    """Return the number format: for ``auto`` bf16 on a GPU or a processor with bf16, else fp32.

    Args:
        wanted: ``[training] precision``.
        device: ``[training] device``.
    """
    if wanted != "auto":
        return wanted
    return "bf16" if device == CUDA or _flags() & {"amx_bf16", "avx512_bf16"} else "fp32"


def check_device(device: str, task: str) -> None:
    """Raise `bad-device` unless models of a task can run on a device.

    Args:
        device: The requested device.
        task: The task of the model.

    Raises:
        InvalidInputError: (``bad-device``) they cannot.
    """
    if device not in find_task(task).devices:
        raise InvalidInputError(
            "bad-device",
            f"models of the task {task} do not run on the device {quote(device, 40)}",
            hint=f"all models run on {CPU}; generative models also run on {CUDA}",
        )


def describe_code() -> dict[str, str]:
    """Return the ``code`` member of a run: the digest of the sources that trained (spec §13.5).

    The digest is the ``files`` identity (spec/05-trees.md) of the Python files in :data:`SOURCES`,
    with paths relative to the package.
    """
    package = Path(__file__).parents[1]
    entries = [
        TreeEntry(path.relative_to(package).as_posix(), path.stat().st_size, Digest.of_file(path))
        for folder in SOURCES
        for path in (package / folder).rglob("*.py")
    ]
    return {
        "package": "lyrikstore",
        "version": __version__,
        "digest": str(Tree.of(entries).files_id),
    }


def _flags() -> set[str]:
    if sys.platform != "linux":
        return set()
    for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
        if line.startswith(("flags", "Features")):
            return set(line.partition(":")[2].split())
    return set()


def _processor() -> str:
    model = platform.processor()
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    known = " ".join(name for name in _ARITHMETIC if name in _flags())
    return (model or "unknown processor") + (f" ({known})" if known else "")
