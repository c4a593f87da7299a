"""The device of a worker: the CPU, or one GPU (spec §13.12.10)."""

import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.requirements import ACCELERATOR, CUDA, DEVICE
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.adapters import load_bitsandbytes

_FIRST_WITH_BF16 = (8, 0)
"""The lowest compute capability of GPUs that compute in bf16."""

_DRIVER = Path("/proc/driver/nvidia/version")


def open_device(name: str, precision: str) -> torch.device:
    """Return the device to compute on.

    Args:
        name: ``cpu``, or ``cuda`` for the first GPU in ``CUDA_VISIBLE_DEVICES``.
        precision: The precision that the device must support.

    Raises:
        InvalidInputError: (``no-accelerator``) PyTorch finds no GPU that supports the precision.
    """
    if name != CUDA:
        return torch.device("cpu")
    if torch.version.cuda is None or not torch.cuda.is_available():
        raise _no_accelerator(
            f"{DEVICE} is {CUDA}, and PyTorch {torch.__version__} finds no GPU on this machine",
            "run it on a machine where nvidia-smi lists a GPU, with a PyTorch built for CUDA; or "
            f"omit {DEVICE}: the CPU then does the same, slower",
        )
    about = torch.cuda.get_device_properties(0)
    if precision == "bf16" and (about.major, about.minor) < _FIRST_WITH_BF16:
        raise _no_accelerator(
            f"{about.name} does not compute in bf16",
            'train with precision = "fp32" in [training], or use a GPU of the year 2020 or later',
        )
    # TF32 has fewer digits than fp32 promises.
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    return torch.device(CUDA, 0)


def autocast(device: torch.device, *, half: bool) -> Any:
    """Return a context in which ``device`` computes in bf16 if ``half``, else in fp32."""
    return torch.autocast(device.type, torch.bfloat16) if half else nullcontext()


def random_state(device: torch.device) -> dict[str, Tensor]:
    """Return the states of the random generators, named as in resume states (spec §13.14.1)."""
    found = {"random": torch.get_rng_state()}
    if device.type == CUDA:
        found["randomCuda"] = torch.cuda.get_rng_state(device)
    return found


def set_random_state(found: Mapping[str, Tensor], device: torch.device) -> None:
    """Restore the random generators from the result of :func:`random_state`."""
    torch.set_rng_state(found["random"])
    if device.type == CUDA:
        torch.cuda.set_rng_state(found["randomCuda"], device)


def is_random_state(found: Mapping[str, Tensor], device: torch.device) -> bool:
    """Return whether :func:`set_random_state` accepts these states."""
    generators = {"random": torch.Generator()}
    if device.type == CUDA:
        generators["randomCuda"] = torch.Generator(device)
    for name, generator in generators.items():
        if found[name].dtype != torch.uint8 or found[name].ndim != 1:
            return False
        try:
            generator.set_state(found[name])
        except RuntimeError:
            return False
    return True


def accelerator_figures(device: torch.device) -> dict[str, str]:
    """Return the peak memory of the GPU so far; an empty mapping for the CPU."""
    if device.type != CUDA:
        return {}
    return {ACCELERATOR: str(torch.cuda.max_memory_reserved(device))}


def describe_accelerator(
    job: Mapping[str, Any], _: StagedFiles, report: Callable[..., None]
) -> dict[str, Any]:
    """Describe the GPU that would compute; the job ``accelerator``.

    Args:
        job: ``device``, and what it must support: ``precision``, ``quantization``.
        report: Called at the beginning and the end.

    Returns:
        ``accelerators``: a list of one, with ``name``, ``memoryBytes`` and ``driver``, as in
        ``environment`` of runs and evaluations; ``freeBytes``: the memory that is free now.

    Raises:
        InvalidInputError: (``no-accelerator``) no GPU supports this.
    """
    report("accelerator", 0, 1)
    device = open_device(job[DEVICE], job["precision"])
    about = torch.cuda.get_device_properties(device)
    _compute(device, job["precision"], job["quantization"], about.name)
    free = torch.cuda.mem_get_info(device)[0]
    cudnn = cast("Any", torch.backends.cudnn).version()
    driver = f"CUDA {torch.version.cuda}, cuDNN {cudnn}; driver {_driver_version()}"
    found = {"name": about.name, "memoryBytes": int(about.total_memory), "driver": driver}
    report("accelerator", 1, 1)
    return {"accelerators": [found], "freeBytes": int(free)}


def _compute(device: torch.device, precision: str, quantization: str, name: str) -> None:
    # A GPU that is listed may be in use by somebody else alone, too new for this PyTorch, or
    # without a library of bitsandbytes: better known before anything is announced.
    try:
        with autocast(device, half=precision == "bf16"):
            some = torch.ones((64, 64), device=device)
            if quantization:
                layer: Any = load_bitsandbytes().nn.Linear4bit(64, 64, bias=False)
                layer.to(device)(some).sum().item()
            (some @ some).sum().item()
    except RuntimeError as error:
        raise _no_accelerator(
            f"{name} computes nothing here: {str(error)[:200]}",
            "see with nvidia-smi whether another program uses it; a PyTorch or bitsandbytes for "
            "another CUDA cannot use it",
        ) from error


def _no_accelerator(reason: str, hint: str) -> InvalidInputError:
    return InvalidInputError("no-accelerator", reason, hint=hint)


def _driver_version() -> str:
    try:
        line = _DRIVER.read_text("utf-8", "replace").partition("\n")[0]
    except OSError:  # another system tells it elsewhere, or nowhere
        return "unknown"
    found = re.search(r"\d{3,}\.\d+(\.\d+)?", line)
    return found[0] if found else "unknown"
