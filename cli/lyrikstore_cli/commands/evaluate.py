"""``lyrikstore evaluate``: a checkpoint next to a plain baseline, on a locked test set."""

import click

from lyrikstore.canon.text import pluralize
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.output.training_progress import follow
from lyrikstore_cli.session import Session


@declare(
    "evaluate",
    signs=True,
    epilog="lyrikstore evaluate checkpoints/acme/clause-classifier --on acme/contracts.test",
)
@click.argument("checkpoint")
@click.option("--on", "dataset", required=True, help="The test set; logged before the run.")
def command(session: Session, checkpoint: str, dataset: str) -> None:
    """Measure CHECKPOINT on a test set, and TF-IDF with logistic regression next to it.

    Both results, the majority guess and the worst failures go into one signed evaluation,
    whichever wins. Refused (exit code 14) unless the sources of the test set may be used to
    `evaluate`.
    """
    store = session.open_store(sign=True)
    with session.screen.progress("evaluating") as meter:
        manifest = store.models.evaluate(
            checkpoint,
            dataset,
            environment=session.environment,
            progress=follow(session.screen, meter),
        )
    body = manifest.body
    session.emit(
        "evaluate",
        {
            "id": str(manifest.id),
            "name": manifest.name,
            "logIndex": store.log_index(manifest.id),
            "body": body,
        },
    )
    screen = session.screen
    screen.result(f"{pluralize(body['count'], 'record')} of {dataset}", "bold")
    for name in ("model", "baseline", "majority"):
        scores = body[name]
        line = f"  {name:<9}"
        for metric, label in (("accuracy", "accuracy"), ("macroF1", "macro-F1")):
            value = scores[metric]
            line += f"  {label} {value['value']}"
            if "low" in value:
                line += f" ({value['low']} to {value['high']})"
        latency = scores.get("latencyMs")
        if latency:
            line += f"  {latency['p50']}/{latency['p95']} ms p50/p95"
        screen.result(line)
    screen.result(f"✓ evaluation  {manifest.name}  {manifest.id.short}")
