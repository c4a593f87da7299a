"""How the phases of training and evaluation show: a meter, and a line for each finished phase."""

from lyrikstore.canon.progress import OnProgress, Progress
from lyrikstore_cli.ui import Meter, Screen, figures

_SAID = {
    "check": "checking use rights, inputs and the base model",
    "register": "registering the run in the log, before its first step",
    "start": "loading the model",
    "seal": "sealing the checkpoints",
    "store": "storing them",
    "score": "measuring the model, one record at a time",
    "baseline": "measuring TF-IDF with logistic regression beside it",
}


def follow(screen: Screen, meter: Meter) -> OnProgress:
    """Return a listener that says each phase once and moves the meter within it."""
    said: set[str] = set()

    def listen(progress: Progress) -> None:
        phase = progress.phase
        if phase in _SAID and phase not in said:
            said.add(phase)
            screen.say(f"– {_SAID[phase]}")
        if phase == "validate":
            facts = figures(progress.detail)
            screen.say(f"– after epoch {progress.done} of {progress.total}: {facts}")
        meter(progress)

    return listen
