"""The GPU that a model that writes is computed on (spec §13.12.10)."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from lyrikstore.canon.errors import PolicyError
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.train.environment import MEMORY_SHARE, describe_environment
from lyrikstore.train.requirements import CUDA
from lyrikstore.train.worker.process import run_job
from lyrikstore.train.worker.staging import open_staging


def describe_machine(
    folder: Path,
    device: str,
    *,
    threads: int,
    task: str = "",
    precision: str,
    quantization: str = "",
    planned_bytes: int = 0,
    base_env: Mapping[str, str],
    progress: OnProgress = silent,
) -> dict[str, Any]:
    """Return the ``environment`` of what is about to be computed, with the GPU where one is used.

    Args:
        folder: Where a worker gets its private folder: the store's.
        device: ``cpu`` or ``cuda``.
        threads: CPU threads of the worker.
        task: What is computed.
        precision: What has to be computed in.
        quantization: How the weights are kept.
        planned_bytes: Memory of the GPU that is planned for; 0: nothing is.
        base_env: The caller's environment.
        progress: Progress callback.

    Raises:
        InvalidInputError: (``no-accelerator``) a GPU is wanted, and PyTorch finds none that
            computes so; (``extra-missing``) a package that training needs is not installed.
        PolicyError: (``over-budget``) the GPU has less memory, or less that is free.
        RunFailedError, StorageError: As ``run_job``.

    Cost: nothing for processors; a process that loads PyTorch for a GPU.
    """
    found = describe_environment(threads, task)
    if device != CUDA:
        return found
    with open_staging(folder) as staging:
        told = run_job(
            staging,
            {
                "job": "accelerator",
                "device": device,
                "precision": precision,
                "quantization": quantization,
            },
            reads=(),
            threads=threads,
            base_env=base_env,
            progress=progress,
        )
    (one,) = told["accelerators"]
    most = min(MEMORY_SHARE * int(one["memoryBytes"]), Decimal(told["freeBytes"]))
    if planned_bytes > most:
        raise PolicyError(
            "over-budget",
            f"about {planned_bytes / 10**9:.1f} GB of memory are planned, and {one['name']} has "
            f"{told['freeBytes'] / 10**9:.1f} GB free of {one['memoryBytes'] / 10**9:.1f}",
            hint="fewer max_tokens, a smaller batch_size, activation_checkpointing = true or "
            'quantization = "nf4"; nvidia-smi tells who else uses it',
        )
    return found | {"accelerators": [one]}
