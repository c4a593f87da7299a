"""``lyrikstore rules``: the data policy of an organisation, and the cases that it must decide."""

from pathlib import Path

import click

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.exits import VERDICT
from lyrikstore_cli.groups import HELP_NAMES
from lyrikstore_cli.options import write_new
from lyrikstore_cli.session import Session


@click.group(context_settings=HELP_NAMES)
def command() -> None:
    """Write the data policy of an organisation as settings or rules, and test it."""


@declare("new", epilog="lyrikstore rules new -o rules.toml")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("rules.toml"),
    metavar="FILE",
    help="The file to write; by default rules.toml.",
)
def _new(session: Session, output: Path) -> None:
    """Write a file of settings in plain words: which data may be used, and for what.

    Change its values, then test it with `lyrikstore rules test FILE`.
    """
    from lyrikstore.api.commands import rules_template

    write_new(output, rules_template())
    session.emit("rules-new", {"path": str(output)})
    session.screen.result(f"✓ wrote    {escape_control(str(output))}")
    session.screen.hint(f"change its values, then: lyrikstore rules test {output}")


@declare("test", epilog="lyrikstore rules test health\nlyrikstore rules test rules.toml")
@click.argument("pack", metavar="PACK")
def _test(session: Session, pack: str) -> None:
    """Decide the cases of PACK, or of a file of rules or settings, and compare the answers.

    Packs that come along: core, health, legal, org-template. Exit code 3 if a case gets another
    answer than it demands. Needs the extra `rules`.
    """
    from lyrikstore.api.commands import load_rules, run_cases

    rules = load_rules(pack)
    table = run_cases(rules)
    session.emit(
        "rules-test",
        {
            "name": rules.name,
            "packVersion": rules.version,
            "sourcesAsOf": rules.as_of,
            "reviewed": rules.reviewed,
            "passed": not table.wrong,
            "rules": [
                {
                    "rule": one.id,
                    "forbids": one.effect == "forbid",
                    "demand": one.about,
                    "cite": one.cite or None,
                    "remedy": one.remedy or None,
                    "waivable": one.waivable,
                    "tested": one not in table.untested,
                }
                for one in rules.rules
            ],
            "cases": [
                {
                    "name": one.case.name,
                    "line": one.case.line,
                    "demanded": {"answer": one.case.answer, "forbiddenBy": list(one.case.rules)},
                    "got": {
                        "answer": one.ruling.answer,
                        "forbiddenBy": list(one.ruling.forbidding),
                    },
                }
                for one in table.outcomes
            ],
        },
    )
    screen = session.screen
    about = f"as of {rules.as_of}; {rules.reviewed}"
    screen.result(f"{rules.name} {rules.version}  {escape_control(about)}")
    for rule in rules.rules:
        mark = "–" if rule in table.untested else "✓"
        screen.result(f" {mark} {rule.id:<24} {escape_control(rule.about)}")
    for one in table.wrong:
        case, ruling = one.case, one.ruling
        expected = " ".join((case.answer, *case.rules))
        got = " ".join((ruling.answer, *ruling.forbidding, *ruling.errors))
        screen.result(
            f" ✗ line {case.line}: {escape_control(case.name)}: "
            f"must get {expected}, gets {escape_control(got)}"
        )
    for rule in table.untested:
        screen.result(f"! no case changes when {rule.id} is left out: add one that it decides")
    right = len(table.outcomes) - len(table.wrong)
    screen.result(f"{right} of {pluralize(len(table.outcomes), 'case')} as expected")
    if table.wrong:
        raise click.exceptions.Exit(VERDICT["invalid"])


command.add_command(_new)
command.add_command(_test)
