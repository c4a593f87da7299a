"""``lyrikstore deploy``: a checkpoint as a folder that a serving program loads."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyrikstore.api.commands import TARGETS
from lyrikstore.canon.errors import NotFoundError
from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.output.given_away import say_given_away
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Deployment, RemotePlace, Store


@declare(
    "deploy",
    signs=True,
    epilog="lyrikstore deploy checkpoints/acme/clauses --to onnx -o classifier --check\n"
    "lyrikstore deploy --again deployments/acme/clauses.onnx -o classifier",
)
@click.argument("checkpoint", required=False)
@click.option(
    "--to",
    "target",
    type=click.Choice(list(TARGETS)),
    help="; ".join(f"{one.name}: {one.about}" for one in TARGETS.values()) + ".",
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="A new or empty folder."
)
@click.option("--as", "name", default="", help="Name of the deployment; by default CHECKPOINT.TO.")
@click.option("--again", metavar="REF", help="Write the folder of a logged deployment again.")
@click.option("--no-sign", is_flag=True, help="Log nothing; the folder says that it is unsigned.")
@click.option(
    "--with-values", is_flag=True, help="Put in credentials that name values of the data, too."
)
@click.option("--check", is_flag=True, help="Ask what was written, and compare its answers.")
@click.option(
    "--check-records",
    type=click.IntRange(min=0, max=1000),
    help="With --check: so many records of the locked test part, too; 20 by default. None of it is "
    "handed on.",
)
@click.option(
    "--probe",
    type=click.Path(path_type=Path),
    help='What to ask, one {"text": …} a line; by default texts made of words. It is handed on.',
)
@options.abstain_below("Have it answer nothing below this confidence (0 to 1); it is signed.")
def command(
    session: Session,
    checkpoint: str | None,
    target: str | None,
    output: Path,
    name: str,
    again: str | None,
    no_sign: bool,
    with_values: bool,
    check: bool,
    check_records: int | None,
    probe: Path | None,
    abstain_below: float | None,
) -> None:
    """Write CHECKPOINT as a folder that a serving program loads, with its temperature in it.

    Which files the folder has is signed and logged as a deployment; from a clone that is pushed
    first. The model card is its README; whom to name stands in NOTICE, and what shows who made it
    of what lies in `lyrikstore/`. Refused if it does not verify (exit code 3), if a right that it
    rests on was revoked or has ended, or if the store has approvers and the card of this very
    version is not approved (14), or if the target cannot give its answers (16). With `--check`, the
    program that will serve it answers the probe records and some of the locked test part, too:
    other labels, a probability that differs by more than 0.001, or another token where the model is
    sure, and nothing is left of it (3). How many texts of a generative model differ is stated.
    `USE.md` says what was compared, or that nobody did. When the rights end, the folder says, and
    `check.py` in it refuses it from then on.

    With `--again` the folder of a logged deployment is written from the store, byte for byte, after
    a crash or for another machine; rights and card are judged anew.
    """
    if again is not None:
        limited = abstain_below is not None or check_records is not None
        if checkpoint or target or name or no_sign or with_values or check or probe or limited:
            raise click.UsageError("--again REF goes with -o FOLDER alone")
        store = session.open_store()
        with session.progress("deploying"):
            made = store.models.deploy_again(again, output)
    else:
        if checkpoint is None or target is None:
            raise click.UsageError("give CHECKPOINT and --to, or --again REF")
        if check_records is not None and not check:
            raise click.UsageError("--check-records goes with --check")
        if name and no_sign:
            raise click.UsageError("what --no-sign writes has no name: leave --as out")
        store = session.open_store(sign=not no_sign)
        with session.progress("deploying"):
            made = store.models.deploy(
                checkpoint,
                target,
                output,
                name=name,
                sign=not no_sign,
                remote=_remote(session, store),
                probe=probe,
                check=check,
                **({} if check_records is None else {"check_records": check_records}),
                with_values=with_values,
                abstain_below=abstain_below,
            )
    compared = None
    if made.check is not None:
        part = made.body["check"].get("testPart")
        part = None if part is None else {"greatestDifference": None, **part}
        compared = {**made.body["check"], "testPart": part}
    signed = made.manifest
    decision = made.body.get("decision", {})
    given_away = store.datasets.given_away(made.checkpoint)
    session.emit(
        "deploy",
        {
            "checkpoint": str(made.checkpoint.id),
            "name": made.checkpoint.name,
            "deployment": None if signed is None else str(signed.id),
            "deploymentName": None if signed is None else signed.name,
            "logIndex": None if signed is None else store.log_index(signed.id),
            "to": made.body["target"],
            "folder": str(made.folder),
            "written": list(made.files),
            "bytes": made.bytes,
            "card": None if made.card is None else str(made.card),
            "cardStatus": None if made.card_status is None else made.card_status.word,
            "withData": made.body["withData"],
            "credentialsLeftOut": made.body.get("credentialsLeftOut", []),
            "abstainBelow": decision.get("abstainBelow"),
            "limitFrom": options.limit_from(decision),
            "probe": made.body["probe"],
            "check": compared,
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


def _remote(session: Session, store: "Store") -> "RemotePlace | None":
    """Return where a clone pushes what was signed; None at home, or where no remote is known."""
    if not store.is_clone:
        return None
    try:
        return session.remotes().find(None).place(session.environment)
    except NotFoundError:
        return None


def _show(session: Session, made: "Deployment") -> None:
    from lyrikstore.verify.deployment.compared import compared_in_words
    from lyrikstore.verify.report import CheckState
    from lyrikstore.verify.report_text import words

    screen = session.screen
    if made.check is not None:
        found = made.body["check"]
        each = " token" if "comparedTokens" in found else ""
        part = found.get("testPart")
        other = part is None or part["agreeing"] < part["count"]
        took = f"{found['latencyMs']['p50']} ms each{each}"
        screen.result(f"{'!' if other else '✓'} check    {compared_in_words(found)}; {took}")
        if part is None:
            screen.hint("its run named no test part, and nobody evaluated it on one")
    screen.result(
        f"✓ deployed {escape_control(str(made.folder))}  {pluralize(len(made.files), 'file')}, "
        f"{pluralize(made.bytes, 'byte')}"
    )
    if made.manifest is None:
        screen.say("! unsigned nobody signed which files it has; the folder says so")
    else:
        screen.result(f"✓ signed   {made.manifest.name}  {made.manifest.id.short}")
    decision = made.body.get("decision", {})
    if decision.get("limitFrom") == "deployment":
        own = made.checkpoint.body["decision"]["abstainBelow"]
        screen.say(
            f"– limit    no answer below {decision['abstainBelow']}, as signed here; the "
            f"checkpoint, and its card, say {own}"
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
    if made.body["withData"]:
        screen.holds(made.body["withData"])
        screen.hint(f"lyrikstore card {made.checkpoint.name} leaves them out, then deploy again")
    if left_out := made.body.get("credentialsLeftOut"):
        count = pluralize(len(left_out), "credential")
        screen.say(f"– left out {count} that may name values of the data (--with-values)")
    if made.card is None:
        screen.say("! card     README.md is a draft that nobody signed")
        screen.hint(f"lyrikstore card {made.checkpoint.name}, then deploy again")
    proof = f"; whoever gets the folder runs: lyrikstore verify {made.folder.name}"
    said = escape_control(proof) if made.manifest is not None else ""
    screen.say(f"– USE.md says how it is loaded{said}")
