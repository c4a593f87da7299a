"""``lyrikstore monitor``: measure a checkpoint on data that is newer than its run."""

from pathlib import Path

import click

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.exits import DRIFTED, VERDICT
from lyrikstore_cli.session import Session


@declare(
    "monitor",
    signs=True,
    appends=True,
    epilog="lyrikstore monitor checkpoints/acme/clause-classifier --on acme/november "
    "--period 2026-11\nlyrikstore monitor checkpoints/acme/clause-classifier --on acme/june "
    "--period 2026-06 --backfill",
)
@click.argument("checkpoint")
@click.option("--on", "dataset", required=True, help="The new data, logged after the run.")
@click.option("--period", default="", help="The period of the data: 2026-07, 2026-Q3, or a day.")
@click.option(
    "--backfill",
    is_flag=True,
    help="The data is from before the run: no verdict, and never a test set.",
)
@options.html
def command(
    session: Session,
    checkpoint: str,
    dataset: str,
    period: str,
    backfill: bool,
    html: Path | None,
) -> None:
    """Measure how much new data differs from the data that CHECKPOINT was tested on.

    Predicted labels, lengths, new words and confidence are compared; where the data has labels
    (`commit --label`), the metrics too. The result is signed, and is not a test. Refused (exit code
    14) unless the terms of the data permit `evaluate`.

    --period names the period of the data, by which the log and the page are ordered. With
    --backfill the data may be older than the run, if the model was not trained or tested on it; the
    results are shown as history, without a verdict. The page of --html shows the test and all
    monitoring results over time.

    Exit code 19: the data drifted, or the model misses a threshold of its run; 5: too few records
    for a verdict.
    """
    from lyrikstore.api.commands import page_of
    from lyrikstore.verify.evaluation.limits import is_alarming
    from lyrikstore.verify.evaluation.words import (
        drift_figures,
        drift_in_words,
        left_out_in_words,
        since_release_in_words,
        threshold_in_words,
    )

    if html is not None:
        options.check_new(html)
    store = session.open_store(sign=True)
    with session.progress("monitoring", phases=True):
        manifest = store.models.monitor(
            checkpoint,
            dataset,
            period=period,
            backfill=backfill,
        )
    body = manifest.body
    if html is not None:
        options.write_new(html, page_of(store, store.resolve(checkpoint)))
    session.emit(
        "monitor",
        {
            "id": str(manifest.id),
            "name": manifest.name,
            "logIndex": store.log_index(manifest.id),
            "body": body,
            "verdictText": drift_in_words(body),
            "pageFile": None if html is None else str(html),
        },
    )
    say = session.screen.result
    when = f", of {period}" if period else ""
    named = ", ".join(store.query.data_names(manifest))
    say(f"{pluralize(body['count'], 'record')} of {escape_control(named)}{when}", "bold")
    for name, figure in drift_figures(body):
        say(f"  {name:<11} {figure}")
    for line in since_release_in_words(body):
        say(f"  {line}")
    if left := left_out_in_words(body):
        say(f"  {escape_control(left)}")
    for one in body.get("thresholds", ()):
        say(f"{' ' if one['met'] else '!'} {escape_control(threshold_in_words(one))}")
    verdict = body["drift"]["verdict"]
    mark = {"ok": "✓", "drift": "!", "insufficient": "?", "history": "–"}[verdict]
    say(f"{mark} {escape_control(named)}{when}: {drift_in_words(body)}", "bold")
    say(f"✓ statement   {manifest.name}  {manifest.id.short}")
    if html is not None:
        say(f"✓ wrote       {html}")
    if is_alarming(body):
        raise click.exceptions.Exit(DRIFTED)
    if verdict == "insufficient":
        raise click.exceptions.Exit(VERDICT["incomplete"])
