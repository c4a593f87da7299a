"""``lyrikstore evaluate``: a checkpoint beside what was not taken, on a locked test set."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Manifest

_SHOWN, _WIDTH = 5, 160
"""Failures that are shown, and characters of their texts."""


@declare(
    "evaluate",
    signs=True,
    appends=True,
    epilog="lyrikstore evaluate checkpoints/acme/clause-classifier --on acme/contracts.test"
    "\nlyrikstore evaluate evaluations/acme/clause-classifier --html report.html",
)
@click.argument("model")
@click.option("--on", "dataset", help="The test set; logged before the run.")
@click.option(
    "--html",
    "report",
    type=click.Path(path_type=Path),
    help="The page to write: its report, one HTML file with charts.",
)
@options.with_texts
@click.option(
    "--limit",
    "sample",
    type=click.IntRange(min=1),
    help="Of a generative model: ask at most so many records, drawn by their ids.",
)
@options.abstain_below(
    "Show coverage and accuracy, at this confidence (0 to 1), too; both are signed."
)
@options.device
@click.option(
    "--predictions",
    type=click.Path(path_type=Path),
    help="Take its answers from this file (.jsonl, .csv, .tsv, .xlsx), computed elsewhere.",
)
@click.option(
    "--against",
    metavar="EVALUATION",
    help="Compare it with this evaluation, record by record; --on is that one's by default.",
)
@click.option("-m", "--message", default="", help="What the model is, if its name is new here.")
def command(
    session: Session,
    model: str,
    dataset: str | None,
    report: Path | None,
    with_texts: bool,
    sample: int | None,
    abstain_below: float | None,
    device: str,
    predictions: Path | None,
    against: str | None,
    message: str,
) -> None:
    """Measure a checkpoint on a test set, beside the strongest cheap candidate that was not taken.

    That is tuned word counts; of a model that is word counts itself the embeddings, if its run
    tried them. All results, those of the nearest record and of the commonest label, too, and the
    worst failures go into one signed evaluation, whichever wins. Refused (exit code 14) unless the
    sources of the test set may be used to `evaluate`. A threshold that is missed is said, and is
    no failure.

    Records are told apart by length and by the fields of their licence, `language` and `source`,
    or by those that `[evaluation] slices` of the run's config names: values that 20 records have
    are published with the figures, rarer ones are one line, `others`. A field makes no slices
    where a scan found personal data in it, or its values look like that; that is said.

    A generative model is measured beside its base, on the same prompts; what both wrote is kept.

    With `--predictions` nobody is asked: the file has, of each record of the part once, `record`
    (its number or its id), `answer`, and where they are known the scores of labels (`scores`, or
    columns `score:LABEL`). `checkout REF DIR --without LABEL` hands the part out so. The model may
    be any: one of another program, rules, a spreadsheet; what is not in this store gets the name
    that is given here, and `-m` says what it is. Card, report and `verify` say that whoever brought
    the answers vouches for them.

    With the name of an evaluation in place of a checkpoint nothing is measured: its report is
    written. It quotes the texts of failures only with `--with-texts`, and says so.
    """
    from lyrikstore.verify.evaluation.tasks import TEXT, find_rules
    from lyrikstore.verify.evaluation.words import verdict_in_words

    with_data = options.held(texts=with_texts)
    if report is not None:
        options.check_new(report)
    elif with_data:
        raise click.UsageError("--with-texts is of the report: add --html FILE")
    measures = bool(dataset or against or predictions)
    store = session.open_store(sign=measures)
    asked = None if predictions is not None else store.resolve(model)
    rules = None if asked is None else find_rules(asked.body.get("task"))
    writes = rules is not None and rules.answers == TEXT
    if report is not None and asked is not None and writes:
        raise InvalidInputError(
            "no-report",
            f"{asked.name} is of a generative model: its report has no charts to draw",
            hint=f"lyrikstore card {asked.name.replace('evaluations/', 'checkpoints/')}",
        )
    if not measures and abstain_below is not None:
        raise click.UsageError("--abstain-below goes with --on: the report has the whole table")
    if asked is not None and not measures:
        manifest = _existing(asked, report)
    else:
        with session.progress("evaluating", phases=True):
            manifest = store.models.evaluate(
                model,
                dataset or "",
                sample=sample,
                device=device,
                abstain_below=abstain_below,
                predictions=predictions,
                against=against or "",
                message=message,
            )
    facts = store.models.report(str(manifest.id))
    if report is not None:
        from lyrikstore.api.commands import evaluation_page
        from lyrikstore.version import __version__

        page = evaluation_page(facts, tool=f"lyrikstore {__version__}", with_data=with_data)
        options.write_new(report, page)
    body = manifest.body
    session.emit(
        "evaluate",
        {
            "id": str(manifest.id),
            "name": manifest.name,
            "logIndex": store.log_index(manifest.id),
            "body": body,
            "verdictText": verdict_in_words(body),
            "failures": facts["failures"],
            "samples": facts["samples"],
            "reportFile": None if report is None else str(report),
            "withData": with_data,
        },
        version=2,
    )
    _show(session, manifest, facts["failures"])
    _show_samples(session, facts["samples"])
    _show_coverage(session, body)
    if report is not None:
        session.screen.result(f"✓ wrote       {report}")
        session.screen.holds(with_data)
    elif measures and not writes:
        session.screen.hint(f"with charts: lyrikstore evaluate {manifest.name} --html FILE")


def _existing(manifest: "Manifest", report: Path | None) -> "Manifest":
    if manifest.kind != "evaluation":
        raise InvalidInputError(
            "usage", f"{manifest.name} is measured on a test set", hint="name it: --on TEST"
        )
    if report is None:
        raise InvalidInputError(
            "usage", f"{manifest.name} is an evaluation: it is done", hint="add --html FILE"
        )
    return manifest


def _show_samples(session: Session, samples: Sequence[Mapping[str, Any]]) -> None:
    from lyrikstore.verify.evaluation.words import record_in_words

    say = session.screen.result
    for one in samples:
        say(f"  {escape_control(record_in_words(one))}  token F1 {one['tokenF1']}", "bold")
        for name in ("expectedText", "modelText", "baseText"):
            if one[name] is not None:
                text = " ".join(one[name].split())
                shown = text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
                say(f"    {name.removesuffix('Text'):<9}{escape_control(shown)}")


def _show_coverage(session: Session, body: Mapping[str, Any]) -> None:
    """Show what each confidence below which nothing is answered would cost and gain."""
    if "coverageAt" not in body:
        return
    say = session.screen.result
    say("  answers nothing below   still answers   right of those", "bold")
    for one in body["model"]["coverage"]:
        marked = "←" if one["abstainBelow"] in body["coverageAt"] else ""
        share, right = (f"{Decimal(one[name]) * 100:.1f} %" for name in ("share", "accuracy"))
        say(f"  {one['abstainBelow']:>22}{share:>16}{right:>17} {marked}".rstrip())


def _show(session: Session, manifest: "Manifest", failures: Sequence[Mapping[str, Any]]) -> None:
    from lyrikstore.verify.evaluation.words import (
        METRICS,
        NO_RIVAL,
        against_in_words,
        baseline_in_words,
        cost_in_words,
        figures_of,
        given_in_words,
        left_out_in_words,
        near_in_words,
        outside_in_words,
        record_in_words,
        seen_in_words,
        short_name,
        threshold_in_words,
        unlike_in_words,
        verdict_in_words,
        verdict_of,
        with_interval,
    )

    body, say = manifest.body, session.screen.result
    say(f"{pluralize(body['count'], 'record')} of the part {escape_control(body['split'])}", "bold")
    systems: list[tuple[str, Any]] = [
        (name, body[name]) for name in ("model", "baseline") if name in body
    ]
    systems += [(short_name(one["method"]), one) for one in body.get("baselines", ())]
    systems += [("majority", body["majority"])] if "majority" in body else []
    for name, system in systems:
        line = f"  {name:<9}"
        for metric, figure in figures_of(system).items():
            line += f"  {METRICS[metric]} {with_interval(figure)}"
        latency = system.get("latencyMs")
        if latency:
            alone = f" of {latency['n']} answered alone" if latency["n"] < body["count"] else ""
            line += f"  {latency['p50']}/{latency['p95']} ms p50/p95{alone}"
        say(line)
    if baseline := baseline_in_words(body):
        say(f"  {baseline}")
    verdict = verdict_in_words(body)
    if verdict:
        say(f"  {verdict}", "bold")
    if verdict_of(body) == NO_RIVAL:
        session.screen.hint(
            "to hold it against something: try embeddings, too (with a base model: lyrikstore "
            "checkpoints add PACKAGE), or compare: --against EVALUATION"
        )
    words = (
        given_in_words,
        against_in_words,
        seen_in_words,
        outside_in_words,
        cost_in_words,
        near_in_words,
        unlike_in_words,
        left_out_in_words,
    )
    for text in (find(body) for find in words):
        if text:
            say(f"  {escape_control(text)}")
    for one in body.get("thresholds", ()):
        say(f"{' ' if one['met'] else '!'} {escape_control(threshold_in_words(one))}")
    if failures:
        say("  wrong and sure:" if failures[0]["probability"] else "  wrong:")
    for failure in failures[:_SHOWN]:
        said = f"{failure['expected']} → {failure['predicted']}"
        said += f" ({failure['probability']})" if failure["probability"] else ""
        said += f", {record_in_words(failure)}"
        text = " ".join((failure["recordText"] or "its text is not here").split())
        shown = text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
        say(f"    {escape_control(said)}: {escape_control(shown)}")
    say(f"✓ evaluation  {manifest.name}  {manifest.id.short}")
