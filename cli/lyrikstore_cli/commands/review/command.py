"""``lyrikstore review``: people decide about records that were drawn by nobody's choice."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore.canon.timestamps import now
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.groups import HELP_NAMES
from lyrikstore_cli.output.review_figures import figure_lines
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api.commands import HandedIn, QueuedReview, ReviewRequest


@click.group(context_settings=HELP_NAMES)
def command() -> None:
    """Let people decide about records of a dataset: drawn at random, signed, and counted."""


def _named(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in value.split(",") if one.strip())


@declare(
    "new",
    signs=True,
    appends=True,
    epilog="lyrikstore review new acme/clauses --sample 200 --reviewer did:key:z6Mk… -o queue\n"
    "lyrikstore review new acme/clauses --sample 200 --blind --overlap 1 --reviewer did:key:z6Mk… "
    "--reviewer did:key:z6Mk… --adjudicator did:key:z6Mk… -o queue",
)
@click.argument("ref", metavar="REF")
@click.option(
    "--sample",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="How many records are drawn; by default all.",
)
@click.option(
    "--reviewer",
    "reviewers",
    metavar="DID",
    multiple=True,
    help="Who decides; repeat it for several.",
)
@click.option(
    "--questions",
    type=click.Path(path_type=Path),
    help="A file with what you ask (docs/review.md); by default whether the label is right.",
)
@click.option(
    "--guideline", type=click.Path(path_type=Path), help="A text that reviewers can open."
)
@click.option(
    "--by",
    metavar="FIELDS",
    default="",
    callback=_named,
    help="Draw from the records of each value of these fields in proportion: label,licence.",
)
@click.option(
    "--overlap",
    type=click.FloatRange(0, 1),
    default=None,
    metavar="X",
    help="The share of records that two reviewers decide; by default 1 with --blind, else 0.",
)
@click.option(
    "--blind",
    is_flag=True,
    help="Hide the candidate until a reviewer has decided, and decisions until all are there.",
)
@click.option(
    "--strip", metavar="FIELDS", default="", callback=_named, help="Fields reviewers do not see."
)
@click.option("--adjudicator", metavar="DID", default="", help="Who decides disagreements.")
@click.option("--as", "name", metavar="NAMESPACE/NAME", default="", help="Another name.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A new folder for those of reviewers."
)
@click.option("-m", "--message", default="", help="A note, signed with the request.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be asked; sign nothing.")
def _new(
    session: Session,
    ref: str,
    sample: int,
    reviewers: tuple[str, ...],
    questions: Path | None,
    guideline: Path | None,
    by: tuple[str, ...],
    overlap: float | None,
    blind: bool,
    strip: tuple[str, ...],
    adjudicator: str,
    name: str,
    output: Path | None,
    message: str,
    dry_run: bool,
) -> None:
    """Ask people to review records of the dataset REF; write a folder for each reviewer.

    If REF is a review, its adjudicator is asked about the records on which reviewers disagree.

    The request is logged first, and the records are drawn by the root of the log that covers it:
    nobody can choose them. Each request stays in the log, and a review states how many there were.
    A reviewer needs no store: they open review.html in their folder, or run `lyrikstore review
    next`, and send back a signed file for `lyrikstore review import`.
    """
    from lyrikstore.api.commands import QuestionsFile, ReviewRequest, parse_questions_file

    if ref.startswith("reviews/"):
        if reviewers or dry_run or output is None:
            raise click.UsageError("about a review give only -o DIR: its request names the rest")
        _emit_queue(session, session.open_store(sign=True).reviews.adjudicate(ref, output), ref)
        return
    share = (1.0 if blind and len(reviewers) > 1 else 0.0) if overlap is None else overlap
    asked = ReviewRequest(
        reviewers=reviewers,
        sample=sample,
        by=by,
        overlap=f"{share:.6f}".rstrip("0").rstrip("."),
        blind=blind,
        strip=strip,
        adjudicator=adjudicator,
        questions=QuestionsFile()
        if questions is None
        else parse_questions_file(options.read_file(questions)),
        guideline="" if guideline is None else _text(guideline),
    )
    if dry_run:
        _show_plan(session, ref, asked)
        return
    if output is None:
        raise click.UsageError("name the new folder for those of the reviewers: -o DIR")
    store = session.open_store(sign=True)
    with session.progress("reading records"):
        made = store.reviews.request(ref, asked, output, name=name, message=message)
    _emit_queue(session, made, ref)


def _text(path: Path) -> str:
    try:
        return options.read_file(path).decode()
    except UnicodeDecodeError:
        raise InvalidInputError("undecodable-text", f"{path} is not UTF-8 text") from None


def _show_plan(session: Session, ref: str, asked: "ReviewRequest") -> None:
    store = session.open_store()
    plan = store.reviews.plan(ref, asked)
    session.emit(
        "review-new",
        {
            "dryRun": True,
            "request": None,
            "queue": None,
            "logIndex": None,
            "drawn": plan.items,
            "requests": plan.requests,
            "handedOut": [],
        },
    )
    screen = session.screen
    screen.result(
        f"{pluralize(plan.items, 'record')} of {plan.body['records']} would be drawn, for "
        f"{pluralize(len(asked.reviewers), 'reviewer')}"
    )
    screen.result(
        f"{pluralize(len(plan.questions.labels), 'label')}; the log has "
        f"{pluralize(plan.requests, 'request')} for this dataset"
    )


def _emit_queue(session: Session, made: "QueuedReview", ref: str) -> None:
    session.emit(
        "review-new",
        {
            "dryRun": False,
            "request": str(made.request.id),
            "queue": str(made.queue.id),
            "logIndex": made.index,
            "drawn": made.queue.body["items"],
            "requests": made.requests,
            "handedOut": _handed_out(made),
        },
    )
    screen = session.screen
    screen.result(f"✓ request  {made.request.name} {made.request.id.short}")
    screen.result(
        f"✓ queue    {made.queue.name} {made.queue.id.short}: "
        f"{pluralize(made.queue.body['items'], 'record')} of {escape_control(ref)}, "
        f"log entry {made.index}"
    )
    for who, path in made.folders.items():
        screen.result(f"✓ folder   {escape_control(str(path))}  for {who}")
    if made.requests > 1:
        screen.say(f"! drawn {made.requests} times: every review of this dataset says so")
    screen.hint(
        "each reviewer opens review.html in their folder; then: lyrikstore review import FILE"
    )


def _handed_out(made: "QueuedReview") -> list[dict[str, Any]]:
    return [
        {
            "reviewer": one["reviewer"],
            "decides": one["items"],
            "path": str(made.folders[one["reviewer"]]),
        }
        for one in made.queue.body["assignments"]
    ]


@declare(
    "next",
    epilog="lyrikstore review next queue/x1y2z3w4\nlyrikstore review next . --json",
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def _next(session: Session, folder: Path) -> None:
    """Decide the records of your folder DIR, one after the other; no store is needed.

    Each key is saved at once in DIR/decisions.json: quit and go on as you like, then sign. Keys:
    1-9 take a label, c changes (type to filter), a accepts, r rejects, x cannot say, n adds a note,
    s skips, u undoes, q quits. --json only says how much is decided.
    """
    from lyrikstore.api.commands import open_folder, resume
    from lyrikstore_cli.commands.review.deciding import Desk, keys

    opened = open_folder(folder)
    work = resume(opened, folder)
    of = len(opened.folder.items)
    screen = session.screen
    if not screen.json:
        if session.options.no_input or not sys.stdin.isatty() or not sys.stdout.isatty():
            raise InvalidInputError(
                "no-terminal",
                "there is no terminal to read keys from",
                hint="open review.html in the folder, or run the command in a terminal",
            )
        with keys() as key:
            Desk(work, folder, screen, key).work()
    session.emit(
        "review-next",
        {
            "queue": str(opened.queue.id),
            "reviewer": opened.folder.reviewer,
            "decided": work.decided,
            "decides": of,
        },
    )
    screen.result(f"✓ decided  {work.decided} of {pluralize(of, 'record')}")
    where = escape_control(str(folder))
    if work.decided < of:
        screen.hint(f"go on: lyrikstore review next {where}")
    else:
        screen.hint(f"lyrikstore review sign {where} -o decisions.signed.json")


@declare(
    "export",
    epilog="lyrikstore review export queue/x1y2z3w4 -o tasks",
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="A new folder for the tasks.",
)
def _export(session: Session, folder: Path, output: Path) -> None:
    """Write the records of your folder DIR as tasks for Label Studio; no store is needed.

    tasks.json is imported into a project, and config.xml is its labelling interface. Of a blind
    queue the tasks have no candidates. Export the project in the format JSON, and sign it with
    `lyrikstore review sign EXPORT --queue DIR`.
    """
    from lyrikstore.api.commands import label_studio_files, open_folder

    opened = open_folder(folder)
    options.check_new(output)
    written = options.write_files(output, label_studio_files(opened))
    session.emit(
        "review-export",
        {
            "queue": str(opened.queue.id),
            "reviewer": opened.folder.reviewer,
            "decides": len(opened.folder.items),
            "written": [str(one) for one in written],
        },
    )
    session.screen.wrote(written)
    where = escape_control(str(folder))
    session.screen.hint(f"lyrikstore review sign EXPORT.json --queue {where} -o signed.json")


@declare(
    "sign",
    signs=True,
    epilog="lyrikstore review sign queue/x1y2z3w4 -o decisions.signed.json\n"
    "lyrikstore review sign export.json --queue queue/x1y2z3w4 -o decisions.signed.json",
)
@click.argument("target", metavar="PATH", type=click.Path(path_type=Path))
@click.option(
    "--queue",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="The folder that FILE is about, if it is not the one in which FILE is.",
)
@options.output_file
def _sign(session: Session, target: Path, queue: Path | None, output: Path) -> None:
    """Sign the decisions that you made in your folder, with your own key; no store is needed.

    The folder is checked first: it must be the one that the author of the queue signed.

    PATH is your folder, a file that the page saved, or the JSON export of a project in Label Studio
    with the tasks of `lyrikstore review export`. You vouch for what others decided there: their
    names are in the file as the export claims them.
    """
    from lyrikstore.api.commands import (
        MAX_FOLDER_BYTES,
        is_label_studio,
        label_studio_decisions,
        open_folder,
        parse_decisions,
        sign_decisions,
    )

    file = target / "decisions.json" if target.is_dir() else target
    data = options.read_file(file, MAX_FOLDER_BYTES)
    opened = open_folder(queue or (target if target.is_dir() else target.parent))
    options.check_new(output)
    if is_label_studio(data):
        decisions = label_studio_decisions(opened, data)
    else:
        decisions = parse_decisions(data)
    annotators = decisions.annotators or {}
    options.write_new(output, sign_decisions(opened, decisions, session.signer(), now()))
    count, of = len(decisions.decisions), len(opened.folder.items)
    session.emit(
        "review-sign",
        {
            "queue": str(opened.queue.id),
            "reviewer": opened.folder.reviewer,
            "decided": count,
            "decides": of,
            "annotators": sorted(annotators),
            "written": [str(output)],
        },
    )
    for name, made in sorted(annotators.items()):
        claimed = f"{pluralize(made, 'decision')} by {escape_control(name)}, as the export claims"
        session.screen.say(f"! you vouch for {claimed}")
    session.screen.result(f"✓ signed   {count} of {pluralize(of, 'decision')}")
    session.screen.result(f"✓ wrote    {escape_control(str(output))}")
    if count < of:
        session.screen.say(f"! {of - count} are undecided; what is signed cannot be added to")
    session.screen.hint("send the file to whoever gave you the folder")


@declare(
    "import",
    signs=True,
    appends=True,
    epilog="lyrikstore review import anna.json\nlyrikstore review import ben.json -o adjudication",
)
@click.argument("files", metavar="FILE...", type=click.Path(path_type=Path), nargs=-1)
@click.option(
    "--close",
    metavar="QUEUE",
    default="",
    help="Reveal the decisions about this queue although some are missing.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="A new folder for the adjudicator, if reviewers disagree.",
)
@click.option("-m", "--message", default="", help="A note, signed with the review.")
def _import(
    session: Session, files: tuple[Path, ...], close: str, output: Path | None, message: str
) -> None:
    """Take in signed decisions; once all are there, reveal them as a review.

    Until the last reviewer has handed in, the log has only the digest of a file, and the file waits
    in your own folder: no reviewer can read what another decided. Nothing is taken in if one of the
    files is refused.
    """
    from lyrikstore.api.commands import MAX_DECISIONS_BYTES, HeldFiles

    if bool(files) is bool(close):
        raise click.UsageError("give FILE, or --close QUEUE")
    store = session.open_store(sign=True)
    held = HeldFiles(session.paths.memory.parent / "held")
    if close:
        result = store.reviews.close(close, held, destination=output, message=message)
    else:
        data = [options.read_file(one, MAX_DECISIONS_BYTES) for one in files]
        result = store.reviews.hand_in(data, held, destination=output, message=message)
    _emit_handed_in(session, result)


def _emit_handed_in(session: Session, result: "HandedIn") -> None:
    review, queue = result.review, result.adjudication
    session.emit(
        "review-import",
        {
            "submissions": [str(one.id) for one in result.submissions],
            "waitingFor": list(result.waiting),
            "review": None if review is None else str(review.id),
            "details": {} if review is None else review.body["figures"],
            "disagreed": result.disagreed,
            "queue": None if queue is None else str(queue.queue.id),
            "handedOut": [] if queue is None else _handed_out(queue),
        },
    )
    screen = session.screen
    for one in result.submissions:
        screen.result(
            f"✓ taken in {pluralize(one.body['decisions'], 'decision')} of {one.body['reviewer']}"
        )
    if review is None:
        screen.result(f"  waiting for {', '.join(result.waiting)}")
        return
    screen.result(f"✓ review   {review.name} {review.id.short}")
    for line in figure_lines(review.body["figures"]):
        screen.result(f"  {line}")
    if result.waiting:
        screen.say(f"! incomplete: nothing came from {', '.join(result.waiting)}")
    if queue is not None:
        for who, path in queue.folders.items():
            screen.result(f"✓ folder   {escape_control(str(path))}  for the adjudicator {who}")
    elif result.disagreed:
        screen.say(f"! the reviewers disagree on {pluralize(result.disagreed, 'record')}")
        screen.hint(f"ask the adjudicator: lyrikstore review new {review.name} -o DIR")
    else:
        screen.hint(f'use it: a recipe with [[step]] use = "reviewed/1", review = "{review.name}"')


for _one in (_new, _next, _export, _sign, _import):
    command.add_command(_one)
