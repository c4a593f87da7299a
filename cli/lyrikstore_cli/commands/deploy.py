"""``lyrikstore deploy``: a checkpoint as a folder that a serving program loads."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.output.given_away import say_given_away
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Deployment


@declare(
    "deploy",
    epilog="lyrikstore deploy checkpoints/acme/clause-classifier --to onnx -o classifier --check",
)
@click.argument("checkpoint")
@click.option(
    "--to",
    "target",
    required=True,
    type=click.Choice(["hf", "onnx", "gguf", "vllm"]),
    help="hf: what transformers loads; onnx: what ONNX Runtime and transformers.js load; of models "
    "that write, gguf: what llama.cpp and Ollama load; vllm: a base and an adapter.",
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="A new or empty folder."
)
@click.option("--check", is_flag=True, help="Ask what was written, and compare its answers.")
@click.option(
    "--probe",
    type=click.Path(path_type=Path),
    help='What to ask, one {"text": …} a line; by default texts made of words. It is handed on.',
)
def command(
    session: Session,
    checkpoint: str,
    target: str,
    output: Path,
    check: bool,
    probe: Path | None,
) -> None:
    """Write CHECKPOINT as a folder that a serving program loads, with its temperature in it.

    The model card is its README; whom to name stands in NOTICE, and the signed objects that it
    rests on lie in `lyrikstore/`. Refused if it does not verify (exit code 3), if a right that it
    rests on was taken back, or if the store has approvers and the card of this very version is not
    approved (14), or if the target cannot give its answers (16). With `--check`, the program that
    will serve it answers the probe records too: other labels, a probability that differs by more
    than 0.001, or another token where the model is sure, and nothing is left of it (3).
    """
    store = session.open_store()
    with session.screen.progress("deploying") as meter:
        made = store.models.deploy(
            checkpoint,
            target,
            output,
            environment=session.environment,
            probe=probe,
            check=check,
            progress=meter,
        )
    compared = made.check
    given_away = store.datasets.given_away(made.checkpoint)
    session.emit(
        "deploy",
        {
            "checkpoint": str(made.checkpoint.id),
            "name": made.checkpoint.name,
            "to": made.target,
            "folder": str(made.folder),
            "written": list(made.files),
            "bytes": made.bytes,
            "card": None if made.card is None else str(made.card),
            "cardStatus": None if made.card_status is None else made.card_status.word,
            "withData": list(made.with_data),
            "probe": {"count": made.probes, "made": made.probe_made},
            "check": None if compared is None else compared.to_json(),
            "handingOnNotPermitted": list(made.withheld),
            "handingOnProhibited": [name for name, never in made.withheld.items() if never],
            "givesAway": [one.to_json() for one in given_away],
            "rights": {
                "state": str(made.rights.state),
                "reason": made.rights.detail.get("reason"),
                "summary": made.rights.summary,
            },
        },
    )
    _show(session, made)
    say_given_away(session.screen, given_away)


def _show(session: Session, made: "Deployment") -> None:
    from lyrikstore.verify.report import CheckState
    from lyrikstore.verify.report_text import words

    screen = session.screen
    if made.check is not None:
        found = made.check.to_json()
        screen.result(
            f"✓ check    {made.check.agreeing} of {pluralize(made.check.records, 'record')} get "
            f"the sealed model's answer; {made.check.in_words()}; {found['latencyMs']['p50']} ms "
            f"each{' token' if 'comparedTokens' in found else ''}"
        )
    screen.result(
        f"✓ deployed {escape_control(str(made.folder))}  {pluralize(len(made.files), 'file')}, "
        f"{pluralize(made.bytes, 'byte')}"
    )
    for name, prohibited in made.withheld.items():
        say = "prohibit handing on" if prohibited else "do not say whether one may hand on"
        screen.say(
            f"! terms    those of {escape_control(name)} {say} a model that was trained on it "
            "(derivativeModels)"
        )
    if unstated := [name for name, prohibited in made.withheld.items() if not prohibited]:
        screen.hint(
            "before you hand it on, permit it, if the data is yours, and train again: lyrikstore "
            f"permit {unstated[0]} --permit train,evaluate,derivativeModels; else ask its publisher"
        )
    if made.rights.state not in {CheckState.PASS, CheckState.NOT_APPLICABLE}:
        screen.say(f"! rights   {words(made.rights)}")
    status = made.card_status
    if status is not None:
        mark = "–" if status.word == "approved" else "!"
        screen.say(f"{mark} card     {status.word}: {escape_control(status.why)}")
    if made.with_data:
        screen.holds(made.with_data)
        screen.hint(f"lyrikstore card {made.checkpoint.name} leaves them out, then deploy again")
    if made.card is None:
        screen.say("! card     README.md is a draft that nobody signed")
        screen.hint(f"lyrikstore card {made.checkpoint.name}, then deploy again")
    screen.say("– USE.md says how it is loaded")
