"""Describes how a run states that its training program was confined (spec §13.13.3)."""

from collections.abc import Mapping
from typing import Any

from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize

CAUSES = {
    "asked": "whoever started it wanted none",
    "no-bubblewrap": "bubblewrap was not installed",
    "apparmor": "AppArmor let programs make no namespaces",
    "no-user-namespaces": "the kernel gave users no namespaces of their own",
    "seccomp": "a container let programs make no namespaces",
    "nested-proc": "a container let programs mount no /proc of their own",
    "failed": "bubblewrap did not start",
    "in-process": "it ran in the process of whoever started it",
    "elsewhere": "it ran on another machine",
    "ended": "it had ended before the run was signed",
}
"""Reason why a program was not confined → its description."""

_SHOWN = 5


def unconfined_cause(run: Mapping[str, Any]) -> str | None:
    """Return why the program of a run was not confined; None if the run states that it was.

    Args:
        run: Body of the run. If it was signed before programs were confined, no cause is known.
    """
    execution = run.get("execution")
    if execution is None or execution.get("confinement") == "bubblewrap":
        return None
    return CAUSES.get(execution.get("cause", ""), "none was at that time")


def confinement_text(execution: Mapping[str, Any], *, names: bool = True) -> str:
    """Return the stated confinement of a run's program, and the access that was opened to it.

    Args:
        execution: Member ``execution`` of its body, with ``confinement``.
        names: Name paths and variables, too, and do not only count them.
    """
    if execution["confinement"] == "none":
        cause = unconfined_cause({"execution": execution})
        text = f"by nothing ({cause}): nobody observed what it read, wrote or connected to"
    else:
        text = f"by bubblewrap {execution['version']}"
    opened = execution.get("opened", {})
    found = [what for name, what in (("network", "the network"), ("gpu", "GPUs")) if name in opened]
    reads = [quote(one["path"]) for one in opened.get("reads", ())]
    for noun, listed in (("path", reads), ("variable", opened.get("variables", ()))):
        if listed:
            more = ", …" if len(listed) > _SHOWN else ""
            shown = f" ({', '.join(listed[:_SHOWN])}{more})" if names else ""
            found.append(f"{pluralize(len(listed), noun)}{shown}")
    return f"{text}; opened: {', '.join(found)}" if found else text
