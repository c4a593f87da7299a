"""Where a worker computes: on processors, or on one GPU (spec §13.12.10)."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.requirements import ACCELERATOR, CUDA, DEVICE
from lyrikstore.train.worker.hashed_read import StagedFiles

_FIRST_WITH_BF16 = (8, 0)
"""The compute capability from which GPUs multiply bf16."""


def open_device(name: str) -> torch.device:
    """Return where to compute.

    Args:
        name: ``cpu`` or ``cuda``; the first GPU that ``CUDA_VISIBLE_DEVICES`` leaves.

    Raises:
        InvalidInputError: (``no-accelerator``) PyTorch finds no GPU here.
    """
    if name != CUDA:
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise InvalidInputError(
            "no-accelerator",
            f"{DEVICE} is {CUDA}, and PyTorch {torch.__version__} finds no GPU on this machine",
            hint="run it where nvidia-smi lists one, with a PyTorch that is built for CUDA; or "
            f"leave {DEVICE} out: processors then do the same, slower",
        )
    # TF32 rounds what fp32 promises.
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    return torch.device(CUDA, 0)


def autocast(device: torch.device, *, half: bool) -> Any:
    """Return a context in which ``device`` computes in bf16, if ``half``."""
    return torch.autocast(device.type, torch.bfloat16) if half else nullcontext()


def random_state(device: torch.device) -> dict[str, Tensor]:
    """Return the state of the random numbers, by the names that points give it (spec §13.14.1)."""
    found = {"random": torch.get_rng_state()}
    if device.type == CUDA:
        found["randomCuda"] = torch.cuda.get_rng_state(device)
    return found


def set_random_state(found: Mapping[str, Tensor], device: torch.device) -> None:
    """Set the random numbers to what :func:`random_state` gave."""
    torch.set_rng_state(found["random"])
    if device.type == CUDA:
        torch.cuda.set_rng_state(found["randomCuda"], device)


def accelerator_figures(device: torch.device) -> dict[str, str]:
    """Return the most memory of a GPU that was taken so far; of processors nothing."""
    if device.type != CUDA:
        return {}
    return {ACCELERATOR: str(torch.cuda.max_memory_reserved(device))}


def describe_accelerator(
    job: Mapping[str, Any], _: StagedFiles, report: Callable[..., None]
) -> dict[str, Any]:
    """Say which GPU would compute; the job ``accelerator``.

    Args:
        job: ``device``, and ``precision``: what has to be computed in.
        report: Called once.

    Returns:
        ``accelerators``: one, with ``name``, ``memoryBytes`` and ``driver``, as
        ``environment`` of runs and evaluations has them.

    Raises:
        InvalidInputError: (``no-accelerator``) there is none that computes so.
    """
    report("accelerator", 0, 1)
    device = open_device(job[DEVICE])
    about = torch.cuda.get_device_properties(device)
    if job["precision"] == "bf16" and (about.major, about.minor) < _FIRST_WITH_BF16:
        raise InvalidInputError(
            "no-accelerator",
            f"{about.name} does not compute in bf16",
            hint='say precision = "fp32" in [training], or take a GPU of the year 2020 or later',
        )
    driver = f"CUDA {torch.version.cuda}; driver for CUDA {_driver_version()}"
    found = {"name": about.name, "memoryBytes": int(about.total_memory), "driver": driver}
    report("accelerator", 1, 1)
    return {"accelerators": [found]}


def _driver_version() -> str:
    # Nothing public tells it, and a PyTorch without CUDA does not have it.
    number = int(getattr(torch._C, "_cuda_getDriverVersion", lambda: 0)())  # noqa: SLF001
    return f"{number // 1000}.{number % 1000 // 10}"
