"""Imports of PEFT and bitsandbytes, only where a model needs them.

PEFT imports bitsandbytes wherever it is installed, and with it PyTorch's compiler: more than a
second for a library that only models in four bits need.
"""

import sys
from collections.abc import Mapping
from typing import Any, cast

_FOUR_BITS = "bitsandbytes"


def load_peft() -> Any:
    """Return the package ``peft``; call this after loading the base model.

    Cost: half a second of processor time the first time.
    """
    # A module that is None counts as not installed, so PEFT works without it.
    sys.modules.setdefault(_FOUR_BITS, cast("Any", None))
    import peft

    return peft


def load_bitsandbytes() -> Any:
    """Return the package ``bitsandbytes``, an extra; PEFT supports its layers from then on.

    Raises:
        ModuleNotFoundError: bitsandbytes is not installed.
    """
    if sys.modules.get(_FOUR_BITS, _FOUR_BITS) is None:
        del sys.modules[_FOUR_BITS]
    import bitsandbytes

    if (known := sys.modules.get("peft.import_utils")) is not None:
        for check in (known.is_bnb_available, known.is_bnb_4bit_available):
            check.cache_clear()
    return bitsandbytes


def new_adapter(settings: Mapping[str, Any], **more: Any) -> Any:
    """Return the settings of an adapter as PEFT's ``LoraConfig``.

    Args:
        settings: ``rank``, ``alpha``, ``dropout``, ``targets``, and ``layers``; absent or empty:
        all layers.
        more: Further arguments of PEFT.
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
    """Return the settings for :func:`new_adapter` from an ``adapter_config.json``.

    Its content was checked before it was staged (:mod:`lyrikstore.train.formats.adapter`).
    """
    return {
        "rank": document["r"],
        "alpha": document["lora_alpha"],
        "dropout": document["lora_dropout"],
        "targets": document["target_modules"],
        "layers": document.get("layers_to_transform"),
    }


def merge_adapter(encoder: Any) -> Any:
    """Return a network with its adapter merged into its weights; unchanged if it has none."""
    merge = getattr(encoder, "merge_and_unload", None)
    return encoder if merge is None else merge()
