"""The figures of a review in words."""

from typing import Any

from lyrikstore.canon.text import pluralize


def figure_lines(figures: dict[str, Any]) -> list[str]:
    """Return the figures of a review in words."""
    error = figures["labelError"]
    lines = [
        f"{figures['decided']} of {figures['items']} decided; drawn "
        + pluralize(figures["requests"], "time"),
        ", ".join(f"{word} {figures[name]}" for name, word in _OUTCOMES.items()),
    ]
    if "rate" in error:
        low, high = error["interval"]
        lines.append(
            f"candidates that are wrong: {_percent(error['rate'])} "
            f"({_percent(low)} to {_percent(high)})"
        )
    if "agreement" in figures:
        kappa = f", kappa {figures['kappa'][:-4]}" if "kappa" in figures else ""
        lines.append(f"two reviewers agree on {_percent(figures['agreement']['rate'])}{kappa}")
    lines += [
        f"! {one['reviewer']} decided too fast, or accepted everything"
        for one in figures["reviewers"]
        if one["rubberStamp"]
    ]
    return lines


_OUTCOMES = {
    "accept": "accepted",
    "change": "changed",
    "reject": "rejected",
    "cannotSay": "cannot say",
    "disagreed": "disagreed",
}


def _percent(rate: str) -> str:
    return f"{float(rate):.1%}"
