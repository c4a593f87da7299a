"""Prompts and choices of a model, as its checkpoint and its run state them (spec §13.12.3)."""

from collections.abc import Mapping, Sequence
from typing import Any


def choices_of(settings: Mapping[str, Any]) -> Sequence[str]:
    """Return the only possible answers that a body or a config names; empty for free text."""
    prompt = settings.get("prompt")  # of a config it may be anything
    found: Sequence[str] = prompt.get("choices", []) if isinstance(prompt, dict) else []
    return found


def find_prompt_fault(checkpoint: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    """Return how the choices of a checkpoint differ from those of its run, or an empty text.

    Args:
        checkpoint: The body of the checkpoint.
        run: The body of its run.
    """
    # ATTACK: a checkpoint that names other choices than its run was signed with.
    if not choices_of(checkpoint) == choices_of(run) == choices_of(run["config"]):
        return "its choices are not those of its run"
    return ""
