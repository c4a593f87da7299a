"""The GPU that a generative model is computed on (spec §13.12.10)."""

from decimal import Decimal
from typing import Any

from lyrikstore.canon.errors import PolicyError
from lyrikstore.context import StoreContext
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.environment import MEMORY_SHARE, describe_environment
from lyrikstore.train.requirements import CUDA
from lyrikstore.train.worker.process import run_job
from lyrikstore.train.worker.staging import open_staging


def describe_machine(
    context: StoreContext,
    config: TrainConfig,
    *,
    device: str,
    precision: str,
    planned_bytes: int = 0,
) -> dict[str, Any]:
    """Return the ``environment`` of what is about to be computed, with the GPU where one is used.

    Args:
        context: The store.
        config: What is computed, and how.
        device: ``cpu`` or ``cuda``.
        precision: What has to be computed in.
        planned_bytes: Memory of the GPU that is planned for; 0: nothing is.

    Raises:
        InvalidInputError: (``no-accelerator``) a GPU is wanted, and PyTorch finds none that
            computes so.
        PolicyError: (``over-budget``) the GPU has less memory, or less that is free.
        RunFailedError, StorageError: As ``run_job``.
        LyrikstoreError: As :func:`describe_environment`.

    Cost: nothing for processors; a process that loads PyTorch for a GPU.
    """
    threads = config.training.threads
    found = describe_environment(threads, config.task)
    if device != CUDA:
        return found
    with open_staging(context.repository.root) as staging:
        told = run_job(
            staging,
            {
                "job": "accelerator",
                "device": device,
                "precision": precision,
                "quantization": config.model.quantization,
            },
            reads=(),
            threads=threads,
            base_env=context.environment,
            progress=context.progress,
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
