"""PEFT and bitsandbytes, each loaded only where a model needs it.

PEFT loads bitsandbytes wherever it is installed, and with it PyTorch's compiler: more than a second
for something that only models in four bits compute with.
"""

import sys
from collections.abc import Mapping
from typing import Any, cast

_FOUR_BITS = "bitsandbytes"


def load_peft() -> Any:
    """Return the package ``peft``; call it when the base model is there.

    Cost: half a second of processor time the first time.
    """
    # What is None is not found, so PEFT goes on without it.
    sys.modules.setdefault(_FOUR_BITS, cast("Any", None))
    import peft

    return peft


def load_bitsandbytes() -> Any:
    """Return the package ``bitsandbytes``, an extra; PEFT knows its layers from then on.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    if sys.modules.get(_FOUR_BITS, _FOUR_BITS) is None:
        del sys.modules[_FOUR_BITS]
    import bitsandbytes

    if (known := sys.modules.get("peft.import_utils")) is not None:
        for asked in (known.is_bnb_available, known.is_bnb_4bit_available):
            asked.cache_clear()
    return bitsandbytes


def new_adapter(settings: Mapping[str, Any], **more: Any) -> Any:
    """Return the settings of an adapter as PEFT takes them.

    Args:
        settings: ``rank``, ``alpha``, ``dropout``, ``targets``, and ``layers``, absent or empty:
            all.
        more: Further settings of PEFT's.
    """
    return load_peft().LoraConfig(
        r=settings["rank"],
        lora_alpha=settings["alpha"],
        lora_dropout=float(settings["dropout"]),
        target_modules=list(settings["targets"]),
        layers_to_transform=list(settings["layers"]) if settings.get("layers") else None,
        **more,
    )


def settings_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what :func:`new_adapter` takes, from an ``adapter_config.json``.

    What it may say was looked at before it was staged (:mod:`lyrikstore.train.formats.adapter`).
    """
    return {
        "rank": document["r"],
        "alpha": document["lora_alpha"],
        "dropout": document["lora_dropout"],
        "targets": document["target_modules"],
        "layers": document.get("layers_to_transform"),
    }


def merge_adapter(encoder: Any) -> Any:
    """Return a network with its adapter merged for good; itself, where it has none."""
    merge = getattr(encoder, "merge_and_unload", None)
    return encoder if merge is None else merge()
