"""``lyrikstore plan``: what a run will take, before its first step."""

from pathlib import Path

import click

from lyrikstore.canon.errors import ConflictError
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.output.plan_text import error_lines, plan_lines
from lyrikstore_cli.session import Session


@declare("plan", epilog="lyrikstore plan acme/clauses\nlyrikstore plan train.toml --measure")
@click.argument("what", metavar="REF|CONFIG")
@click.option("--base", default="", metavar="REF", help="The base model; linear: none.")
@click.option("--label", default="", metavar="FIELD", help="The field that holds the label.")
@click.option("--prompt", default="", metavar="FIELD", help="The field with what is asked.")
@click.option("--answer", default="", metavar="FIELD", help="The field with the answer to it.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The config to write for a REF; by default train.toml.",
)
@click.option(
    "--prices",
    type=options.EXISTING,
    help="Your own price file, in place of those that come along.",
)
@click.option("--measure", is_flag=True, help="Do a few real steps here; needs the extra `train`.")
def command(
    session: Session,
    what: str,
    base: str,
    label: str,
    prompt: str,
    answer: str,
    output: Path | None,
    prices: Path | None,
    measure: bool,
) -> None:
    """Say what training takes: memory, time, cost and energy, here and on rented machines.

    Of a dataset, or the name before .train, .validation and .test, it writes a config with a value
    for every setting. It reads signed statistics, no texts, and the store stays as it is. Refused
    (exit code 14) where the config's budget, or this machine's memory, does not suffice.

    The line `slices` of the config names the fields whose values evaluations and cards publish:
    licence, language and source, as far as the data has them and no scan found personal data in
    them, and the length of texts. Add others only if anybody may read their values.
    """
    from lyrikstore.api import TrainConfig, plan_json

    path = Path(what)
    given = TrainConfig.load(path) if path.is_file() or path.suffix == ".toml" else None
    if given is not None and (base or label or prompt or answer or output):
        raise click.UsageError(
            "--base, --label, --prompt, --answer and --output go with a REF; CONFIG says the rest"
        )
    target = output or Path("train.toml")
    if given is None:
        _check_new(target)
    store = session.open_store()
    with session.progress("measuring" if measure else "planning"):
        plan = store.models.plan(
            given or what,
            base=base,
            label=label,
            prompt=prompt,
            answer=answer,
            prices=prices,
            measure=measure,
        )
    written = given is None and plan.can_train
    if written:
        options.write_new(target, plan.to_toml(target.name).encode())
    facts = plan_json(plan)
    session.emit("plan", {**facts, "configFile": str(target) if written else None})
    screen = session.screen
    for line in plan_lines(plan, verbose=screen.verbose):
        screen.result(line)
    for line in error_lines(facts):
        screen.result(line)
    if written:
        screen.result(f"✓ wrote    {target}")
        screen.hint(f"lyrikstore train {target}")


def _check_new(target: Path) -> None:
    try:
        options.check_new(target)
    except ConflictError as error:
        error.hint = f"lyrikstore plan {target} plans with it; -o FILE writes another"
        raise
