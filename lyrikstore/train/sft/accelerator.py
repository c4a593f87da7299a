"""Description and check of the GPU for a generative model (spec §13.12.10)."""

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
    """Return the ``environment`` of a run or evaluation, with the GPU if one is used.

    Args:
        context: The store.
        config: The training config.
        device: ``cpu`` or ``cuda``.
        precision: The number format of the computation.
        planned_bytes: Planned GPU memory in bytes; 0: not planned.

    Raises:
        InvalidInputError: (``no-accelerator``) a GPU is required, and PyTorch finds none that
            supports
            the precision.
        PolicyError: (``over-budget``) the GPU has less memory, or less free memory.
        RunFailedError, StorageError: As ``run_job``.
        LyrikstoreError: As :func:`describe_environment`.

    Cost: nothing for processors; a process that loads PyTorch for a GPU.
    """
    threads = config.training.threads
    found = describe_environment(threads, config.task)
    if device != CUDA:
        return found
    with open_staging(context.repository.root) as staging:
        result = run_job(
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
    (gpu,) = result["accelerators"]
    most = min(MEMORY_SHARE * int(gpu["memoryBytes"]), Decimal(result["freeBytes"]))
    if planned_bytes > most:
        raise PolicyError(
            "over-budget",
            f"about {planned_bytes / 10**9:.1f} GB of memory are planned, and {gpu['name']} has "
            f"{result['freeBytes'] / 10**9:.1f} GB free of {gpu['memoryBytes'] / 10**9:.1f}",
            hint="fewer max_tokens, a smaller batch_size, activation_checkpointing = true or "
            'quantization = "nf4"; nvidia-smi lists other programs that use it',
        )
    return found | {"accelerators": [gpu]}
