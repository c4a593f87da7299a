"""``lyrikstore monitor``: a checkpoint on data that came after its run."""

from pathlib import Path

import click

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.exits import DRIFTED, VERDICT
from lyrikstore_cli.output.monitoring import page_over_time
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
@click.option("--on", "dataset", required=True, help="What came since; logged after the run.")
@click.option("--period", default="", help="Which time it is of: 2026-07, 2026-Q3, a day.")
@click.option(
    "--backfill",
    is_flag=True,
    help="It is history, of before the run: no verdict, and never a test set.",
)
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path),
    help="The page to write: its test and all that was monitored since, over time.",
)
def command(
    session: Session,
    checkpoint: str,
    dataset: str,
    period: str,
    backfill: bool,
    page: Path | None,
) -> None:
    """Say how far data that came after training is from what CHECKPOINT was tested on.

    Labels that it gives, lengths, new words and confidence are compared; where the data has labels
    (`commit --label`), the metrics as well. The statement is signed and is no test. Refused (exit
    code 14) unless the sources of the data may be used to `evaluate`.

    --period says which time the data is of: the log and the page are in that order. With --backfill
    the data may be from before the run, as long as the model was not trained or tested on it; what
    is measured is shown as history, and nothing of it is judged.

    Exit code 19: it drifted, or misses what the run promised; 5: too few records to tell.
    """
    from lyrikstore.verify.evaluation.limits import is_alarming
    from lyrikstore.verify.evaluation.words import (
        drift_figures,
        drift_in_words,
        left_out_in_words,
        since_release_in_words,
        threshold_in_words,
    )

    if page is not None:
        options.check_new(page)
    store = session.open_store(sign=True)
    with session.progress("monitoring", phases=True):
        manifest = store.models.monitor(
            checkpoint,
            dataset,
            period=period,
            backfill=backfill,
        )
    body = manifest.body
    if page is not None:
        options.write_new(page, page_over_time(store, store.resolve(checkpoint)))
    session.emit(
        "monitor",
        {
            "id": str(manifest.id),
            "name": manifest.name,
            "logIndex": store.log_index(manifest.id),
            "body": body,
            "verdictText": drift_in_words(body),
            "pageFile": None if page is None else str(page),
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
    if page is not None:
        say(f"✓ wrote       {page}")
    if is_alarming(body):
        raise click.exceptions.Exit(DRIFTED)
    if verdict == "insufficient":
        raise click.exceptions.Exit(VERDICT["incomplete"])
