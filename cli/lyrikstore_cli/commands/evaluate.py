"""``lyrikstore evaluate``: measure a checkpoint and its baselines on a locked test set."""

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

_SHOWN, _SAMPLES, _WIDTH = 5, 3, 160
"""How many failures and answers are printed, and how many characters of their texts."""


@declare(
    "evaluate",
    signs=True,
    appends=True,
    epilog="lyrikstore evaluate checkpoints/acme/clause-classifier --on acme/contracts.test"
    "\nlyrikstore evaluate evaluations/acme/clause-classifier --html report.html",
)
@click.argument("model")
@click.option("--on", "dataset", help="The test set, logged before the run.")
@options.html
@options.with_texts
@click.option(
    "--limit",
    "sample",
    type=click.IntRange(min=1),
    help="For a generative model: at most so many records, sampled by their ids.",
)
@options.abstain_below(
    "Also measure coverage and accuracy at this confidence (0 to 1); both are signed."
)
@options.device
@click.option(
    "--predictions",
    type=click.Path(path_type=Path),
    help="Read its answers from this file (.jsonl, .csv, .tsv, .xlsx) of another program.",
)
@click.option(
    "--against",
    metavar="EVALUATION",
    help="Compare it with this evaluation, record by record; default for --on: its test set.",
)
@click.option("-m", "--message", default="", help="What the model is, if it is not in the store.")
def command(
    session: Session,
    model: str,
    dataset: str | None,
    html: Path | None,
    with_texts: bool,
    sample: int | None,
    abstain_below: float | None,
    device: str,
    predictions: Path | None,
    against: str | None,
    message: str,
) -> None:
    """Measure a checkpoint on a test set, beside the best simple candidate that was not chosen.

    That baseline is tuned word counts; for a model that is itself word counts, the embeddings, if
    its run tried them. One signed evaluation holds all results, also those of the nearest record
    and the most frequent label, and the worst failures, whichever model wins. Refused (exit code
    14) unless the terms of the test set permit `evaluate`. A missed threshold is printed, and is
    not an error.

    Results are also given for slices: by length and by the fields of licence, `language` and
    `source`, or by those that `[evaluation] slices` of the run's config names. Values of at least
    20 records are published with their figures; rarer ones are joined as `others`. Fields in which
    a scan found personal data, or whose values look like it, make no slices; the output lists them.

    A generative model is measured beside its base model, on the same prompts; both outputs are
    kept.

    With `--predictions` no model is run: the file has, once for each record of the part, `record`
    (its number or its id), `answer`, and, where known, the scores of labels (`scores`, or columns
    `score:LABEL`). `checkout REF DIR --without LABEL` writes the part for this. The answers may
    come from another program, from rules or a spreadsheet; a model that is not in this store gets
    the name MODEL, and `-m` describes it. Card, report and `verify` state that the signer vouches
    for the answers.

    If MODEL is the name of an evaluation, nothing is measured, and its page is written. The page
    quotes texts of failures, or answers of a generative model, only with `--with-texts`, and then
    states that.
    """
    from lyrikstore.verify.evaluation.words import verdict_in_words

    with_data = options.held(texts=with_texts)
    if html is not None:
        options.check_new(html)
    elif with_data:
        raise click.UsageError("--with-texts is for the page: add --html FILE")
    measures = bool(dataset or against or predictions)
    store = session.open_store(sign=measures)
    named = None if predictions is not None else store.resolve(model)
    if not measures and abstain_below is not None:
        raise click.UsageError("--abstain-below needs --on; the page has the whole table")
    if named is not None and not measures:
        manifest = _existing(named, html)
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
    if html is not None:
        from lyrikstore.api.commands import evaluation_page, facts_of_evaluation

        shown = facts_of_evaluation(store, manifest, facts, with_data=with_data)
        options.write_new(html, evaluation_page(shown))
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
            "reportFile": None if html is None else str(html),
            "pageFile": None if html is None else str(html),
            "withData": with_data,
        },
        version=2,
    )
    _show(session, manifest, facts["failures"])
    _show_samples(session, facts["samples"])
    _show_coverage(session, body)
    if html is not None:
        session.screen.result(f"✓ wrote       {html}")
        session.screen.holds(with_data)
    elif measures:
        session.screen.hint(f"for charts: lyrikstore evaluate {manifest.name} --html FILE")


def _existing(manifest: "Manifest", html: Path | None) -> "Manifest":
    if manifest.kind != "evaluation":
        raise InvalidInputError(
            "usage", f"{manifest.name} needs a test set", hint="name it: --on TEST"
        )
    if html is None:
        raise InvalidInputError(
            "usage",
            f"{manifest.name} is an evaluation already",
            hint="to write its page: --html FILE",
        )
    return manifest


def _show_samples(session: Session, samples: Sequence[Mapping[str, Any]]) -> None:
    from lyrikstore.verify.evaluation.words import record_in_words

    say = session.screen.result
    shown = len(samples) if session.screen.verbose else _SAMPLES
    for one in samples[:shown]:
        say(f"  {escape_control(record_in_words(one))}  token F1 {one['tokenF1']}", "bold")
        for name in ("expectedText", "modelText", "baseText"):
            if one[name] is not None:
                text = " ".join(one[name].split())
                cut = text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
                say(f"    {name.removesuffix('Text'):<9}{escape_control(cut)}")
    if rest := len(samples[shown:]):
        say(f"  and {pluralize(rest, 'more answer')}, which -v shows")


def _show_coverage(session: Session, body: Mapping[str, Any]) -> None:
    """Print coverage and accuracy for each confidence below which the model would abstain."""
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
            "for a comparison, also try embeddings (they need a base model: lyrikstore "
            "checkpoint add PACKAGE), or use --against EVALUATION"
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
        say("  wrong with high confidence:" if failures[0]["probability"] else "  wrong:")
    for failure in failures[:_SHOWN]:
        labels = f"{failure['expected']} → {failure['predicted']}"
        labels += f" ({failure['probability']})" if failure["probability"] else ""
        labels += f", {record_in_words(failure)}"
        text = " ".join((failure["recordText"] or "its text is missing here").split())
        shown = text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
        say(f"    {escape_control(labels)}: {escape_control(shown)}")
    say(f"✓ evaluation  {manifest.name}  {manifest.id.short}")
