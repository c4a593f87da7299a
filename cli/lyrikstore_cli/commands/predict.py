"""``lyrikstore predict``: what a checkpoint says about a file."""

from pathlib import Path

import click

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session


@declare("predict", epilog="lyrikstore predict checkpoints/acme/clause-classifier letter.txt")
@click.argument("checkpoint")
@click.argument("file", type=click.Path(path_type=Path))
def command(session: Session, checkpoint: str, file: Path) -> None:
    """Label FILE with CHECKPOINT, which is loaded from verified bytes only.

    Where a right that the model rests on does not hold, or was taken back since, it warns.
    """
    from lyrikstore.verify.report import CheckState
    from lyrikstore.verify.report_text import words

    store = session.open_store()
    with session.screen.progress("loading the model"):
        answer = store.models.predict(checkpoint, file, environment=session.environment)
    rights = store.models.rights(checkpoint)
    session.emit(
        "predict",
        {
            "label": answer.label,
            "probabilities": dict(answer.probabilities),
            "checkpoint": str(answer.checkpoint),
            "text": str(answer.text),
            "tokens": answer.tokens,
            "cutOff": answer.cut_off,
            "rights": {
                "state": str(rights.state),
                "reason": rights.detail.get("reason"),
                "summary": rights.summary,
            },
        },
    )
    screen = session.screen
    for label, probability in answer.probabilities.items():
        screen.result(f"{probability:>8}  {escape_control(label)}")
    if answer.cut_off:
        screen.say(
            f"! only the first {pluralize(answer.max_tokens, 'token was', 'tokens were')} read"
        )
    screen.result(escape_control(answer.label), "bold")
    if rights.state not in {CheckState.PASS, CheckState.NOT_APPLICABLE}:
        screen.say(f"! rights: {words(rights)}")
        screen.hint(f"lyrikstore verify {answer.checkpoint.hex} says more")
