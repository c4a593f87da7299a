"""``lyrikstore predict``: label a file, a folder or rows with a checkpoint."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.output.prediction_text import (
    candidate_lines,
    confidence_line,
    explanation_lines,
    jsonl,
    one_line,
    place,
    table,
)
from lyrikstore_cli.output.screen import defused_note
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Prediction
    from lyrikstore.verify.report import Check

_MOST = 10_000
"""Most predictions in one JSON object, which is made in memory."""


_EMPTY: dict[str, Any] = {
    "abstainBelow": None,
    "limitFrom": None,
    "notKnown": 0,
    "cutOffRecords": 0,
    "withoutFields": 0,
    "absentData": [],
    "output": None,
    "predictions": [],
    "prediction": None,
}
"""What a result with ``queued`` has of answers: they are in the dataset."""


@declare(
    "predict",
    signs=True,
    appends=True,
    epilog="lyrikstore predict checkpoints/acme/clause-classifier letter.txt --explain\n"
    "lyrikstore predict checkpoints/acme/clause-classifier clauses.csv -o answers.csv\n"
    "lyrikstore predict checkpoints/acme/clause-classifier clauses.csv --queue below 0.8 "
    "--as acme/unsure",
)
@click.argument("checkpoint")
@click.argument("file", metavar="FILE|DIR|ROWS", type=click.Path(path_type=Path))
@click.option(
    "--explain", is_flag=True, help="Explain each answer, and list similar training records."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The file for the answers: .jsonl or .csv.",
)
@options.force_output
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    help="The format of the answers; by default by the suffix of -o.",
)
@options.abstain_below("Abstain below this confidence (0 to 1), instead of the signed one.")
@click.option(
    "--record",
    is_flag=True,
    help="Sign and log how many records were asked and answered, without their content.",
)
@click.option(
    "--queue",
    type=(click.Choice(["below"]), float),
    help="Commit the records whose answer has a lower confidence, for review.",
)
@click.option("--as", "queue_name", metavar="NAME", help="The name of that dataset.")
@click.option("--output-terms", metavar="URL", help="The URL of the terms of its output.")
@click.option(
    "--output-trains",
    type=click.Choice(["yes", "no", "unknown"]),
    default="unknown",
    help="Whether these terms permit training on its output.",
)
@options.note
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be queued; write nothing.")
@options.device
def command(
    session: Session,
    checkpoint: str,
    file: Path,
    explain: bool,
    output: Path | None,
    force: bool,
    form: str | None,
    abstain_below: float | None,
    record: bool,
    queue: tuple[str, float] | None,
    queue_name: str | None,
    output_terms: str | None,
    output_trains: str,
    message: str,
    dry_run: bool,
    device: str,
) -> None:
    """Label a text or document, a folder of them, or rows (.jsonl, .csv, .parquet) with CHECKPOINT.

    The model is loaded once, from verified bytes only. Below the confidence limit of its signed
    checkpoint, or `--abstain-below`, the answer is "I do not know". --explain shows the terms or
    sentences that led to an answer, and the training records that are most similar (which are not
    its cause). The command warns if a right to the model's data is invalid, was revoked or has
    ended. A generative model answers with text. In CSV, cells that a spreadsheet would run get an
    apostrophe; JSON lines are unchanged. Nothing is logged without --record or --queue.

    `--queue below 0.8 --as NAME` commits the records of which the model is less sure as a dataset
    that it generated, with its answers as labels: people review them before anything is trained on
    them.
    """
    if queue is not None:
        if queue_name is None:
            raise click.UsageError("--queue needs the name of the dataset: --as NAME")
        if output is not None or form or explain or record or abstain_below is not None:
            raise click.UsageError("--queue commits a dataset: leave the other outputs out")
        _queue(
            session,
            checkpoint,
            file,
            queue_name,
            below=queue[1],
            terms=output_terms or "",
            permits_training=output_trains,
            message=message,
            device=device,
            dry_run=dry_run,
        )
        return
    if queue_name is not None or output_terms or output_trains != "unknown" or message or dry_run:
        raise click.UsageError("--as, --output-…, -m and -n need --queue")
    form = _format(session, output, form, force=force, explain=explain)
    if output is not None:
        options.check_output(output, force=force)
    store = session.open_store(sign=record)
    count = _Count()
    shown: list[Prediction] = []
    with (
        session.progress("predicting", phases=True),
        store.models.predict(
            checkpoint,
            file,
            explain=explain,
            most=_MOST if session.options.json and output is None else None,
            device=device,
            abstain_below=abstain_below,
        ) as found,
    ):
        made = found.checkpoint
        rights = store.models.rights(made.id.hex)
        answers = count.over(found)
        if output is not None:
            encoded = _encoded(answers, form, count, several=found.several)
            options.write_output(output, encoded, force=force)
        elif session.options.json:
            shown = list(answers)
        elif form:
            for line in _encoded(answers, form, count, several=found.several):
                text = line.decode()
                # ATTACK: a value with an escape sequence in it
                safe = escape_control(text.rstrip("\n")) + "\n" if sys.stdout.isatty() else text
                sys.stdout.write(safe)
        else:
            _show(session, answers, found.decision, single=found.count == 1)
    logged = None
    if record:
        logged = store.models.record_prediction(
            made, asked=found.count, answered=count.answered, not_known=count.abstained
        )
    session.emit(
        "predict",
        {
            "checkpoint": str(made.id),
            "task": made.body["task"],
            "abstainBelow": found.decision.get("abstainBelow"),
            "limitFrom": options.limit_from(found.decision),
            "asked": found.count,
            "answered": count.answered,
            "notKnown": count.abstained,
            "unanswered": [
                {"reason": reason, "count": some} for reason, some in found.unanswered.items()
            ],
            "cutOffRecords": count.cut_off,
            "withoutFields": found.without_fields,
            "absentData": [{"name": name, "reason": why} for name, why in found.missing],
            "output": None if output is None else str(output),
            "predictions": [one.to_json() for one in shown],
            "prediction": None if logged is None else str(logged.id),
            "rights": _rights_json(rights),
            "queued": None,
        },
        version=2,
    )
    if output is not None:
        answered = pluralize(count.answered, "answer")
        session.screen.result(f"✓ {answered}, {count.abstained} not known, of {found.count}")
        session.screen.wrote([output])
    if logged is not None:
        session.screen.result(f"✓ logged   {logged.name}  {logged.id.short}")
    _warn(session, found, count)
    _warn_of_rights(session, rights, made.id.hex)


def _queue(
    session: Session, checkpoint: str, file: Path, name: str, *, below: float, **said: Any
) -> None:
    store = session.open_store(sign=True)
    with session.progress("predicting", phases=True):
        made = store.models.queue_unsure(checkpoint, file, name, below=below, **said)
    manifest = made.result.manifest
    session.emit(
        "predict",
        {
            **_EMPTY,
            "checkpoint": str(made.checkpoint.id),
            "task": made.checkpoint.body["task"],
            "asked": made.asked,
            "answered": made.answered,
            "unanswered": [
                {"reason": reason, "count": some} for reason, some in made.unanswered.items()
            ],
            "rights": _rights_json(store.models.rights(made.checkpoint.id.hex)),
            "queued": {
                "name": made.name,
                "below": below,
                "queuedRecords": made.rows,
                "id": None if manifest is None else str(manifest.id),
            },
        },
        version=2,
    )
    screen = session.screen
    what = f"{pluralize(made.rows, 'record')} of {made.asked} below {below:g}"
    if manifest is None:
        screen.result(f"{what}; nothing was logged")
        return
    screen.result(f"✓ committed  {made.name}  {manifest.id.short}: {what}")
    screen.hint(f"have them reviewed: lyrikstore review new {made.name} --reviewer DID -o DIR")


def _rights_json(rights: "Check") -> dict[str, Any]:
    return {
        "state": str(rights.state),
        "reason": rights.detail.get("reason"),
        "summary": rights.summary,
    }


class _Count:
    """Counts predictions while they are written."""

    def __init__(self) -> None:
        self.answered = self.abstained = self.cut_off = self.formulas = self.most = 0
        self.revoked = Counter[str]()

    def over(self, predictions: Iterable["Prediction"]) -> Iterator["Prediction"]:
        for one in predictions:
            if one.asked.problem is None:
                self.abstained += one.abstained
                self.answered += not one.abstained
                self.cut_off += one.cut_off
                self.most = one.max_tokens
            for source in (source for near in one.similar or () for source in near["comesFrom"]):
                for right in source["reliedOn"]:
                    if right["withdrawn"]:
                        self.revoked[f"{source['name']}: {right['withdrawn']}"] += 1
            yield one


def _format(
    session: Session, output: Path | None, form: str | None, *, force: bool, explain: bool
) -> str | None:
    if output is None:
        if force:
            raise click.UsageError("--force needs -o")
        if form and session.options.json:
            raise click.UsageError("--json prints one object: --format needs -o")
    elif form is None:
        form = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}.get(output.suffix.lower())
        if form is None:
            raise click.UsageError(f"{output} ends neither in .jsonl nor in .csv: add --format")
    if explain and form == "csv":
        raise click.UsageError("--explain cannot be written as a table: write .jsonl")
    return form


def _encoded(
    predictions: Iterable["Prediction"], form: str | None, count: _Count, *, several: bool
) -> Iterator[bytes]:
    from lyrikstore.api.commands import PREDICTION_COLUMNS, defuse, formula_cells

    if form == "jsonl":
        yield from jsonl(predictions)
        return
    yield from table([list(PREDICTION_COLUMNS)])
    for one in predictions:
        row = one.to_row(several=several)
        count.formulas += formula_cells(row)
        yield from table([[defuse(cell) for cell in row]])


def _show(
    session: Session,
    predictions: Iterable["Prediction"],
    decision: Mapping[str, Any],
    *,
    single: bool,
) -> None:
    screen = session.screen
    for one in predictions:
        if not single and one.explanation is None:
            screen.result(one_line(one))
            continue
        if not single:
            screen.result(place(one), "bold")
        for line in (*candidate_lines(one), *explanation_lines(one)):
            screen.result(line)
        if one.asked.problem is None and not one.is_text:
            screen.result(confidence_line(one, decision))
        screen.result(escape_control(one.words), "bold")


def _warn(session: Session, found: Any, count: _Count) -> None:
    say = session.screen.say
    if count.formulas:
        say(defused_note(count.formulas))
    if count.cut_off and not count.most:
        say(f"! {pluralize(count.cut_off, 'answer was', 'answers were')} cut off")
    elif count.cut_off:
        first = pluralize(count.most, "token was", "tokens were")
        say(f"! of {pluralize(count.cut_off, 'record')} only the first {first} read")
    if found.unanswered:
        reasons = ", ".join(f"{some} {reason}" for reason, some in found.unanswered.items())
        say(f"! {sum(found.unanswered.values())} of {found.count} have no answer: {reasons}")
    if found.without_fields:
        some = pluralize(found.without_fields, "record lacks", "records lack")
        say(f"! {some} a field that the model uses beside the text")
    for name, reason in found.missing:
        say(f"! no similar records of {escape_control(name)}, whose data is missing here: {reason}")
    for right in count.revoked:
        say(f"! the right to a similar record's data was revoked: {escape_control(right)}")


def _warn_of_rights(session: Session, rights: "Check", checkpoint: str) -> None:
    from lyrikstore.verify.report import CheckState
    from lyrikstore.verify.report_text import words

    if rights.state not in {CheckState.PASS, CheckState.NOT_APPLICABLE}:
        session.screen.say(f"! rights: {words(rights)}")
        session.screen.hint(f"for details: lyrikstore verify {checkpoint}")
