"""``lyrikstore plan``: estimate the resources of a run before its first step."""

from pathlib import Path

import click

from lyrikstore.canon.errors import ConflictError
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.output.plan_text import error_lines, plan_lines
from lyrikstore_cli.session import Session


@declare("plan", epilog="lyrikstore plan acme/clauses\nlyrikstore plan train.toml --html plan.html")
@click.argument("what", metavar="REF|CONFIG")
@click.option("--base", default="", metavar="REF", help="The base model; `linear` for none.")
@click.option("--label", default="", metavar="FIELD", help="The field that holds the label.")
@click.option("--prompt", default="", metavar="FIELD", help="The field with the prompt.")
@click.option("--answer", default="", metavar="FIELD", help="The field with the answer.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The config to write for a REF; by default train.toml.",
)
@click.option(
    "--prices",
    type=options.EXISTING,
    help="Your own price file, instead of the included ones.",
)
@options.html
@click.option(
    "--measure", is_flag=True, help="Measure a few training steps here; needs the extra `train`."
)
def command(
    session: Session,
    what: str,
    base: str,
    label: str,
    prompt: str,
    answer: str,
    output: Path | None,
    prices: Path | None,
    html: Path | None,
    measure: bool,
) -> None:
    """Estimate memory, time, cost and energy of training, here and on rented machines.

    For a dataset, or the name before .train, .validation and .test, the command writes a config
    with a value for every setting. It reads signed statistics, no texts, and does not change the
    store. Refused (exit code 14) if the config's budget or this machine's memory is too small.

    The line `slices` of the config names the fields whose values evaluations and cards publish:
    licence, language and source, if the data has them and no scan found personal data in them, and
    the length of texts. Add other fields only if everybody may read their values.
    """
    from lyrikstore.api import TrainConfig, plan_json

    path = Path(what)
    config = TrainConfig.load(path) if path.is_file() or path.suffix == ".toml" else None
    if config is not None and (base or label or prompt or answer or output):
        raise click.UsageError(
            "--base, --label, --prompt, --answer and -o need a REF; a CONFIG states these itself"
        )
    target = output or Path("train.toml")
    if config is None:
        _check_new(target)
    if html is not None:
        options.check_new(html)
    store = session.open_store()
    with session.progress("measuring" if measure else "planning"):
        plan = store.models.plan(
            config or what,
            base=base,
            label=label,
            prompt=prompt,
            answer=answer,
            prices=prices,
            measure=measure,
        )
    written = config is None and plan.can_train
    if written:
        options.write_new(target, plan.to_toml(target.name).encode())
    facts = plan_json(plan)
    if html is not None:
        from lyrikstore.api.commands import facts_of_plan, plan_page

        options.write_new(html, plan_page(facts_of_plan(store, plan)))
    files = {"configFile": str(target) if written else None}
    files["pageFile"] = None if html is None else str(html)
    session.emit("plan", {**facts, **files})
    screen = session.screen
    for line in plan_lines(plan, verbose=screen.verbose):
        screen.result(line)
    for line in error_lines(facts):
        screen.result(line)
    if html is not None:
        screen.result(f"✓ wrote    {html}")
    if written:
        screen.result(f"✓ wrote    {target}")
        screen.hint(f"lyrikstore train {target}")


def _check_new(target: Path) -> None:
    try:
        options.check_new(target)
    except ConflictError as error:
        error.hint = f"to plan with it: lyrikstore plan {target}; to write another: -o FILE"
        raise
