"""``lyrikstore card``: the model card, from signed facts."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyrikstore.canon.errors import ConflictError, InvalidInputError, NotFoundError
from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.options import write_over
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import CardResult, Store


@declare(
    "card", signs=True, epilog="lyrikstore card checkpoints/acme/clause-classifier -o README.md"
)
@click.argument("checkpoint")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the card here.")
@click.option("--evidence", is_flag=True, help="Write beside it what shows who signed it.")
@click.option(
    "--answers",
    type=click.Path(path_type=Path),
    help="What an expert answers, in TOML; by default the answers of the card before.",
)
@click.option("--no-answers", is_flag=True, help="Leave the answers of the card before out.")
def command(
    session: Session,
    checkpoint: str,
    output: Path | None,
    evidence: bool,
    answers: Path | None,
    no_answers: bool,
) -> None:
    """Write, sign and log the model card of CHECKPOINT.

    Hugging Face can read it. Every statement names the object that proves it; what nobody
    established says so. The answers of the card before stay, if this one is about the same version
    of the model and by the same key; else they have to be given again. With `--evidence`, `verify`
    tells who signed the card without the store; with the store it tells more.
    """
    if evidence and output is None:
        raise click.UsageError("--evidence goes beside a file: add -o FILE")
    if no_answers and answers is not None:
        raise click.UsageError("--answers gives some, --no-answers leaves them out")
    from lyrikstore.api import load_responses

    responses = None if answers is None else load_responses(answers)
    if output is not None and output.exists() and not output.is_file():
        raise ConflictError("exists", f"{output} is not a file")
    if output is not None and not output.parent.is_dir():  # before it is signed and logged
        raise NotFoundError(
            "no-folder", f"there is no folder {output.parent}", hint="make it first"
        )
    store = session.open_store(sign=True)
    result = store.models.card(checkpoint, responses, keep_answers=not no_answers)
    written: list[str] = []
    if output is not None:
        evidence_files = _evidence(store, result, output) if evidence else {}
        try:
            for path, data in {output: result.text, **evidence_files}.items():
                write_over(path, data)
                written.append(str(path))
        except OSError as error:
            raise InvalidInputError(
                "unwritable",
                f"cannot write {output}: {error.strerror}",
                hint="the card is signed and logged; name another file",
            ) from None
    session.emit(
        "card",
        {
            "id": str(result.manifest.id),
            "name": result.manifest.name,
            "logIndex": result.log_index,
            "changed": result.changed,
            "statements": result.statements,
            "notEstablished": result.not_established,
            "claimed": result.claimed,
            "answersKept": result.kept is not None,
            "evidence": [str(identity) for identity in result.evidence],
            "markdown": result.text.decode("utf-8"),
            "written": written,
        },
    )
    screen = session.screen
    if output is None:
        for line in result.text.decode("utf-8").splitlines():
            screen.result(line)
    if result.kept is not None:
        said = pluralize(len(result.kept.answers), "answer")
        screen.say(
            f"– kept     {said} of the card before, as the words of "
            f"{escape_control(result.kept.expert)}; --no-answers leaves them out"
        )
    screen.say(
        f"✓ card     {result.manifest.name}  {result.manifest.id.short}: {result.statements} "
        f"statements from {pluralize(len(result.evidence), 'object')}, "
        f"{result.claimed} claimed by a person, "
        f"{result.not_established} not established"
    )


def _evidence(store: "Store", result: "CardResult", output: Path) -> dict[Path, bytes]:
    found = store.models.card_evidence(result.manifest)
    if found is None:
        raise ConflictError(
            "not-pushed",
            "the card waits in this clone: nothing can show yet where it is logged",
            hint="lyrikstore push, then run it again",
        )
    return {output.with_name(f"{output.stem}-{name}"): data for name, data in found.items()}
