"""Progress of training and evaluation: a meter, and a line for each phase."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lyrikstore.canon.progress import OnProgress, Progress
from lyrikstore.canon.text import escape_control, rough
from lyrikstore_cli.output.screen import Meter, Screen, figures

_SAID = {
    "check": "checking use rights, inputs and the base model",
    "register": "logging the run, before its first step",
    "start": "loading the model",
    "command": "running the command",
    "point": "kept a resume state: after an interruption, --resume continues from it",
    "seal": "sealing the checkpoints",
    "store": "storing the checkpoints",
    "score": "measuring the model, one record at a time",
    "compare": "looking for training records that are similar",
    "baseline": "measuring a baseline beside it",
    "overlap": "comparing its texts with the training data",
}


_HERE = "here"
"""The name of this machine in a plan."""

_PAUSE = 60.0
"""Seconds without output after which the progress is printed: an epoch may take hours."""


def follow(
    screen: Screen, meter: Meter, seconds: Callable[[], float] = time.monotonic
) -> OnProgress:
    """Return a listener that prints each phase once and updates the meter.

    Where no meter is shown, it prints the progress now and then.

    Args:
        screen: Where the phases are printed.
        meter: The meter that is updated.
        seconds: A monotonic clock.
    """
    said: set[str] = set()
    last = seconds()

    def say(line: str) -> None:
        nonlocal last
        last = seconds()
        screen.say(f"– {line}")

    def listen(progress: Progress) -> None:
        done, total, _, phase, detail = progress
        if phase == "warn":
            screen.say(f"! {escape_control(str(detail['text']))}")
            return
        if phase == "resume":
            say(f"{detail['candidate']} continues after step {detail['step']}")
            return
        if phase == "output":  # output of an external trainer
            screen.say(f"  {escape_control(str(detail['text']))}")
            return
        if phase == "plan":
            for line in _planned(detail):
                say(line)
            return
        if phase in _SAID and phase not in said:
            said.add(phase)
            say(_SAID[phase])
        if phase == "validate":
            say(f"after epoch {done} of {total}: {figures(detail)}")
        elif done and not meter.shows and seconds() - last >= _PAUSE:
            say(" ".join(filter(None, (f"{phase} {done} of {total}", figures(detail)))))
        meter(progress)

    return listen


def _planned(plan: Mapping[str, Any]) -> Iterator[str]:
    """Yield the candidates that are tried with their planned time, and the others."""
    tried = [one for one in plan["candidates"] if one["chosen"]]
    on = plan["plannedOn"]
    times = [
        f"{one['candidate']} {_seconds(planned)}"
        for one in tried
        for planned in one["figures"]
        if planned["on"] == on
    ]
    where = "of processor time (planned)" if on == _HERE else f"(planned on {escape_control(on)})"
    yield f"trying {', '.join(times)} {where}"
    for one in plan["candidates"]:
        if one["reason"]:
            yield escape_control(f"not trying {one['candidate']}: {one['reason']}")


def _seconds(planned: Mapping[str, Any]) -> str:
    figure = planned["cpuSeconds"] or planned["wallSeconds"]
    return f"{rough(float(figure['amount']))} s"
