"""How the phases of training and evaluation show: a meter, and a line for each finished phase."""

import time
from collections.abc import Callable

from lyrikstore.canon.progress import OnProgress, Progress
from lyrikstore.canon.text import escape_control
from lyrikstore_cli.output.screen import Meter, Screen, figures

_SAID = {
    "check": "checking use rights, inputs and the base model",
    "register": "registering the run in the log, before its first step",
    "start": "loading the model",
    "seal": "sealing the checkpoints",
    "store": "storing them",
    "score": "measuring the model, one record at a time",
    "baseline": "measuring TF-IDF with logistic regression beside it",
}


_PAUSE = 60.0
"""Seconds without a word after which a log says how far the work is: an epoch may take hours."""


def follow(
    screen: Screen, meter: Meter, seconds: Callable[[], float] = time.monotonic
) -> OnProgress:
    """Return a listener that says each phase once and moves the meter within it.

    Where nobody sees the meter, it says now and then how far the work is.

    Args:
        screen: Where it is said.
        meter: What is moved.
        seconds: Tells the time.
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
        if phase in _SAID and phase not in said:
            said.add(phase)
            say(_SAID[phase])
        if phase == "validate":
            say(f"after epoch {done} of {total}: {figures(detail)}")
        elif done and not meter.shows and seconds() - last >= _PAUSE:
            say(" ".join(filter(None, (f"{phase} {done} of {total}", figures(detail)))))
        meter(progress)

    return listen
