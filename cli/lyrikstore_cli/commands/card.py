"""``lyrikstore card``: the card of a model or a dataset, from signed facts and attestations."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyrikstore.canon.errors import ConflictError, InvalidInputError, NotFoundError
from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.options import held, read_file, with_values, write_over
from lyrikstore_cli.output.given_away import say_given_away
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import CardResult, Store

_RENDERINGS = {
    ".html": "html",
    ".pdf": "pdf",
    ".md": "markdown",
    ".cdx.json": "cyclonedx",
    ".chai.xml": "chai",
    ".croissant.json": "croissant",
    ".json": "card",
}
"""Ending of a file name → rendering; the first ending that fits counts."""


@declare(
    "card",
    signs=True,
    appends=True,
    epilog="lyrikstore card checkpoints/acme/clauses --profile us-legal -o card.html\n"
    "lyrikstore card checkpoints/acme/clauses --draft for-dr-doe\n"
    "lyrikstore card acme/contracts -o datasheet.html",
)
@click.argument("name")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write the card here: .html, .pdf, .md, .json, .cdx.json, .chai.xml or .croissant.json.",
)
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    help="Questions to answer: a name or your own .toml; by default those of the last card.",
)
@click.option(
    "--draft",
    type=click.Path(path_type=Path),
    help="Write a folder for an expert, who answers in card.html; nothing is signed.",
)
@click.option(
    "--answers",
    type=click.Path(path_type=Path),
    help="A TOML file with your own answers, which you sign.",
)
@click.option("--no-answers", is_flag=True, help="Leave out answers that nobody signed.")
@click.option("--diff", "compare", is_flag=True, help="Show what changed since the last card.")
@click.option(
    "--evidence",
    is_flag=True,
    help="Write the evidence of its signatures with it; always done for a card with decisions.",
)
@with_values
def command(
    session: Session,
    name: str,
    output: Path | None,
    profiles: tuple[str, ...],
    draft: Path | None,
    answers: Path | None,
    no_answers: bool,
    compare: bool,
    evidence: bool,
    with_values: bool,
) -> None:
    """Write, sign and log the card of NAME, a checkpoint or a dataset.

    Every statement names the object that proves it, or is marked as not established. A profile is a
    list of questions, such as those of a regulator; some only a person can answer. `--draft` writes
    a folder for an expert, who opens card.html, answers and signs there, without installing
    anything; `lyrikstore import` reads the signed file. Answers are kept for later cards, and
    become stale when the facts beside them change. The evidence is inside card.html, or in a file
    that ends in .evidence.json: with it `verify` shows without the store who signed and who
    approved the card. The card names the labels that the model gives; other labels of the data are
    only counted, unless `--with-values` is given, which the card states.
    """
    _check_options(output, draft, answers, no_answers=no_answers, evidence=evidence)
    if draft is not None:
        _write_draft(session, name, profiles, draft, with_values=with_values)
        return
    from lyrikstore.api import parse_card_statement

    own_answers = None
    if answers is not None:
        own_answers = parse_card_statement(read_file(answers), "answers")
    store = session.open_store(sign=True)
    before = store.models.current_card(name) if compare else None
    role = "markdown" if output is None else _role(output)
    result = store.models.card(
        name,
        profiles=profiles,
        answers=own_answers,
        leave_out=no_answers,
        rendering=role,
        with_values=with_values,
    )
    changes = [] if before is None else store.models.card_changes(before, result)
    document, status = result.document, store.models.card_status(result.manifest)
    written: list[str] = []
    if output is not None:
        decided = bool(status.facts["decisions"])
        files = _with_evidence(session, store, result, output, asked=evidence, decided=decided)
        written = _write(files)
    given_away = store.datasets.given_away(result.manifest)
    session.emit(
        "card",
        {
            "id": str(result.manifest.id),
            "name": result.manifest.name,
            "logIndex": result.log_index,
            "changed": result.changed,
            "cardStatus": status.word,
            "profiles": [
                {"profile": one["profile"], "digest": one["digest"], "openItems": one["open"]}
                for one in result.manifest.body["profiles"]
            ],
            "states": document.states,
            "answeredBy": [str(one) for one in document.answers],
            "evidence": [str(identity) for identity in document.evidence],
            "unasked": {name: list(asking) for name, asking in result.unasked.items()},
            "differences": changes,
            "givesAway": [one.to_json() for one in given_away],
            "markdown": result.renderings["markdown"].decode("utf-8"),
            "written": written,
            "withData": held(values=with_values),
        },
        version=2,
    )
    screen = session.screen
    if output is None and not compare:
        for line in result.renderings["markdown"].decode("utf-8").splitlines():
            screen.result(line)
    for one in changes:
        screen.result(escape_control(f"{one['difference']:8}{one['title']} [{one['statementId']}]"))
        for sign, text in (("-", one["was"]), ("+", one["now"])):
            if text:
                screen.result(escape_control(f"    {sign} {text}"))
    screen.say(f"✓ card     {result.manifest.name}  {result.manifest.id.short}  {status.word}")
    _print_counts(session, result)
    if status.word == "draft" and not any(document.open.values()):
        screen.say(escape_control(f"! {status.why}"))
        screen.hint(
            "compare the keys by another channel, then: lyrikstore trust add DID --role expert"
        )
    say_given_away(screen, given_away)
    screen.holds(held(values=with_values))
    if written:
        screen.say(f"✓ wrote    {', '.join(map(escape_control, written))}")


def _check_options(
    output: Path | None,
    draft: Path | None,
    answers: Path | None,
    *,
    no_answers: bool,
    evidence: bool,
) -> None:
    if evidence and output is None:
        raise click.UsageError("--evidence needs a file: add -o FILE")
    if draft is not None and (output or answers or no_answers):
        raise click.UsageError("--draft signs nothing: leave -o, --answers and --no-answers out")
    if output is None:
        return
    _role(output)
    if output.exists() and not output.is_file():
        raise ConflictError("exists", f"{output} is not a file")
    if not output.parent.is_dir():  # before it is signed and logged
        raise NotFoundError(
            "no-folder", f"there is no folder {output.parent}", hint="create it first"
        )


def _role(output: Path) -> str:
    """Return the rendering for a file, by the ending of its name.

    Raises:
        click.UsageError: The ending is unknown.
    """
    name = output.name.lower()
    role = next((role for ending, role in _RENDERINGS.items() if name.endswith(ending)), "")
    if not role:
        known = ", ".join(_RENDERINGS)
        raise click.UsageError(f"the file of -o has to end in one of {known}")
    return role


def _print_counts(session: Session, result: "CardResult") -> None:
    states = result.document.states
    facts = sum(states[one] for one in ("measured", "derived", "stated"))
    waiting = sum(result.document.open.values())
    session.screen.say(
        f"  {pluralize(facts, 'fact')} from evidence, {states['attested']} attested by people, "
        f"{pluralize(waiting, 'required item')} open, {states['stale']} stale, "
        f"{states['contradicted']} contradicted, {states['not-established']} not established"
    )
    if result.unasked:
        asking = sorted({one for found in result.unasked.values() for one in found})
        known = f"; asked by --profile {' or '.join(asking)}" if asking else ""
        left = pluralize(len(result.unasked), "answer is", "answers are")
        session.screen.say(
            f"! {left} left out, not asked by this card: {', '.join(result.unasked)}{known}"
        )
    if waiting:
        session.screen.hint(
            "an expert answers without installing anything: lyrikstore card NAME --draft DIR"
        )


def _write_draft(
    session: Session, name: str, profiles: tuple[str, ...], folder: Path, *, with_values: bool
) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConflictError("not-empty", f"{folder} is not a new or empty folder")
    store = session.open_store()
    files = store.models.card_draft(name, profiles=profiles, with_values=with_values)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InvalidInputError(
            "unwritable", f"cannot create {folder}: {error.strerror}", hint="name another folder"
        ) from None
    written = _write({folder / file: data for file, data in files.items()})
    with_data = held(values=with_values)
    session.emit("card", {"name": name, "written": written, "withData": with_data}, version=2)
    session.screen.result(f"✓ draft    {', '.join(map(escape_control, written))}")
    session.screen.holds(with_data)
    session.screen.hint(
        "send card.html to your expert, who opens it in a browser; import the signed file: "
        "lyrikstore import FILE"
    )


def _write(files: Mapping[Path, bytes]) -> list[str]:
    written: list[str] = []
    for path, data in files.items():
        try:
            write_over(path, data)
        except OSError as error:
            raise InvalidInputError(
                "unwritable",
                f"cannot write {path}: {error.strerror}",
                hint="name another file; if the card was made, it is signed and logged",
            ) from None
        written.append(str(path))
    return written


def _with_evidence(
    session: Session,
    store: "Store",
    result: "CardResult",
    output: Path,
    *,
    asked: bool,
    decided: bool,
) -> dict[Path, bytes]:
    """Return the files of the card, with its evidence where it is requested or decided about."""
    from lyrikstore.api.commands import EVIDENCE_ENDING, with_evidence

    role = _role(output)
    rendering = result.renderings[role]
    if not asked and not decided:
        return {output: rendering}
    found = store.models.card_evidence(result.manifest)
    if found is None and asked:
        raise ConflictError(
            "not-pushed",
            "the card or an approval waits in this clone: it has no place in the home log yet",
            hint="lyrikstore push, then run the command again",
        )
    if found is None:
        session.screen.say("! its approvals wait in this clone and are not in the file yet")
        session.screen.hint("lyrikstore push, then run the command again")
        return {output: rendering}
    card, beside = with_evidence(role, rendering, found)
    file = output.with_name(output.name.rpartition(".")[0] + EVIDENCE_ENDING)
    return {output: card, **({file: beside} if beside else {})}
