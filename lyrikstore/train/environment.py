"""What a run or evaluation ran on and with (spec §13.5).

Collected without importing what it describes: the parent process never loads a machine-learning
library.
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
"""Folders of the package whose sources decide what a run gives: the second one chooses."""

MEMORY_SHARE = Decimal("0.85")
"""Of the memory of a machine or GPU, what a run may be expected to take: plans can be too small."""

_ARITHMETIC = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "sve", "bf16")
"""Instructions by which libraries choose how they add: a processor's name does not tell of them."""


def describe_environment(threads: int, task: str = "") -> dict[str, Any]:
    """Return the ``environment`` member of a run or evaluation.

    Args:
        threads: CPU threads the worker is given.
        task: What is computed: the package that it comes from counts among the others.

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
    """Return what is computed in: of ``auto`` bf16 on a GPU, or where the processor multiplies it.

    Args:
        wanted: ``[training] precision``.
        device: ``[training] device``.
    """
    if wanted != "auto":
        return wanted
    return "bf16" if device == CUDA or _flags() & {"amx_bf16", "avx512_bf16"} else "fp32"


def check_device(device: str, task: str) -> None:
    """Return if models of a task are computed there.

    Args:
        device: What was asked for.
        task: Of the model.

    Raises:
        InvalidInputError: (``bad-device``) they are not.
    """
    if device not in find_task(task).devices:
        raise InvalidInputError(
            "bad-device",
            f"{quote(device, 40)} computes no model of the task {task}",
            hint=f"{CPU} computes all, and {CUDA} those that write",
        )


def describe_code() -> dict[str, str]:
    """Return the ``code`` member of a run: which sources of ours trained, and chose (spec §13.5).

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
