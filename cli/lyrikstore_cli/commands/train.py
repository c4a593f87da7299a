"""``lyrikstore train``: fine-tune a model; only signed checkpoints leave."""

from pathlib import Path

import click

from lyrikstore_cli.command import command as declare
from lyrikstore_cli.output.training_progress import follow
from lyrikstore_cli.session import Session


@declare("train", signs=True, epilog="lyrikstore train train.toml")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("-m", "--message", default="", help="A note, signed with the run.")
def command(session: Session, config: Path, message: str) -> None:
    """Fine-tune a model as CONFIG says (docs/training.md).

    Refused (exit code 14) unless every source dataset has a credential, from somebody you trust,
    that permits the purpose. The run is logged before its first step; if it fails or is stopped,
    nothing leaves. Needs the extra `train`.
    """
    from lyrikstore.api import TrainConfig

    plan = TrainConfig.load(config)
    store = session.open_store(sign=True)
    with session.screen.progress("training") as meter:
        result = store.models.train(
            plan,
            environment=session.environment,
            progress=follow(session.screen, meter),
            message=message,
        )
    final = result.checkpoint
    session.emit(
        "train",
        {
            "run": str(result.run.id),
            "id": str(final.id),
            "name": final.name,
            "logIndex": result.log_indices[-1],
            "checkpoints": [str(checkpoint.id) for checkpoint in result.checkpoints],
            "metrics": dict(result.metrics),
            "seconds": round(result.seconds, 1),
            "warnings": [{"reason": one.code, "summary": one.text} for one in result.warnings],
        },
    )
    screen = session.screen
    screen.result(f"✓ run         {result.run.name}  {result.run.id.short}")
    for checkpoint, index in zip(result.checkpoints, result.log_indices, strict=False):
        screen.result(f"✓ checkpoint  {checkpoint.name}  {checkpoint.id.short}  log entry {index}")
    facts = "  ".join(f"{name} {value}" for name, value in result.metrics.items())
    screen.result(f"  on the validation part: {facts}  ({result.seconds:.0f} s)")
    test = plan.data.test or "REF"
    screen.hint(f"measure it on the locked test part: lyrikstore evaluate {final.name} --on {test}")
