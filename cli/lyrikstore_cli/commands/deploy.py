"""``lyrikstore deploy``: write a checkpoint as a folder that a serving program loads."""

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
@click.option(
    "--no-sign", is_flag=True, help="Sign and log nothing; the folder states that it is unsigned."
)
@click.option(
    "--with-values", is_flag=True, help="Include credentials that name values of the data."
)
@click.option("--check", is_flag=True, help="Run the written model, and compare its answers.")
@click.option(
    "--check-records",
    type=click.IntRange(min=0, max=1000),
    help="With --check: compare so many records of the locked test part too; 20 by default. They "
    "are not in the folder.",
)
@click.option(
    "--probe",
    type=click.Path(path_type=Path),
    help='Probe texts, one {"text": …} per line, which the folder holds; by default made of words.',
)
@options.abstain_below("Make the model abstain below this confidence (0 to 1); it is signed.")
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

    The list of its files is signed and logged as a deployment; a clone pushes it first. The model
    card is the folder's README, NOTICE holds the attributions, and `lyrikstore/` the evidence. The
    command is refused if the model does not verify (exit code 3), if a right to its data was
    revoked or has ended, or if the store has approvers and the card of this version is not approved
    (14), or if the target cannot give the model's answers (16). With `--check`, the program that
    will serve the model answers the probe texts and some records of the locked test part: if a
    label differs, a probability differs by more than 0.001, or a token differs where the model is
    sure, the folder is removed (3). For generative models the number of differing texts is stated.
    `USE.md` states what was compared. The folder states when the rights end; from then on its
    `check.py` refuses it.

    `--again` writes the folder of a logged deployment again from the store, byte for byte, after a
    crash or for another machine; rights and card are checked again.
    """
    if again is not None:
        limited = abstain_below is not None or check_records is not None
        if checkpoint or target or name or no_sign or with_values or check or probe or limited:
            raise click.UsageError("--again REF takes only -o FOLDER")
        store = session.open_store()
        with session.progress("deploying"):
            made = store.models.deploy_again(again, output)
    else:
        if checkpoint is None or target is None:
            raise click.UsageError("give CHECKPOINT and --to TARGET, or --again REF")
        if check_records is not None and not check:
            raise click.UsageError("--check-records needs --check")
        if name and no_sign:
            raise click.UsageError("an unsigned folder has no name: leave --as out")
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
    """Return the remote that a clone pushes to; None for a home store or without a remote."""
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
            screen.hint("its run names no test part, and no evaluation used one")
    screen.result(
        f"✓ deployed {escape_control(str(made.folder))}  {pluralize(len(made.files), 'file')}, "
        f"{pluralize(made.bytes, 'byte')}"
    )
    if made.manifest is None:
        screen.say("! unsigned the list of its files is not signed; the folder states that")
    else:
        screen.result(f"✓ signed   {made.manifest.name}  {made.manifest.id.short}")
    decision = made.body.get("decision", {})
    if decision.get("limitFrom") == "deployment":
        own = made.checkpoint.body["decision"]["abstainBelow"]
        screen.say(
            f"– limit    no answer below {decision['abstainBelow']}, as signed here; the "
            f"checkpoint and its card state {own}"
        )
    for name, prohibited in made.withheld.items():
        effect = "prohibit" if prohibited else "do not state whether one may"
        verb = "redistributing" if prohibited else "redistribute"
        screen.say(
            f"! terms    those of {escape_control(name)} {effect} {verb} a model trained on it "
            "(derivativeModels)"
        )
    if unstated := [name for name, prohibited in made.withheld.items() if not prohibited]:
        screen.hint(
            "before redistributing it: if the data is yours, permit it and train again: lyrikstore "
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
        screen.hint(f"to leave them out: lyrikstore card {made.checkpoint.name}, then deploy again")
    if left_out := made.body.get("credentialsLeftOut"):
        count = pluralize(len(left_out), "credential")
        screen.say(f"– left out {count} that may name values of the data (--with-values)")
    if made.card is None:
        screen.say("! card     README.md is an unsigned draft")
        screen.hint(f"lyrikstore card {made.checkpoint.name}, then deploy again")
    step = f"; receivers run: lyrikstore verify {made.folder.name}"
    proof = escape_control(step) if made.manifest is not None else ""
    screen.say(f"– USE.md explains how to load it{proof}")
