"""``lyrikstore rules``: the data policy of an organisation, and the cases that it must decide."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.exits import VERDICT
from lyrikstore_cli.groups import HELP_NAMES
from lyrikstore_cli.options import write_new
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api.commands import DecidedUse


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


_namespace = click.option(
    "--namespace",
    metavar="NAME",
    default="",
    help="The namespace whose rules are meant; by default that of REF.",
)


@declare(
    "add",
    signs=True,
    appends=True,
    epilog="lyrikstore rules add rules.toml --namespace acme",
)
@click.argument("pack", metavar="PACK")
@click.option(
    "--namespace",
    metavar="NAME",
    required=True,
    help="The namespace that the rules bind, such as acme.",
)
@click.option("-m", "--message", metavar="TEXT", default="", help="Why; signed and public.")
def _add(session: Session, pack: str, namespace: str, message: str) -> None:
    """Sign and log PACK, or a file of rules or settings; from then on it binds a namespace.

    Every training, evaluation, approval and deployment under that namespace is decided by its
    rules before anything is signed. The pack `core` is added with the first. A newer version of a
    pack replaces the older one. Needs the extra `rules`.
    """
    store = session.open_store(sign=True)
    added = store.rules.add(pack, namespace, message=message)
    session.emit(
        "rules-add",
        {
            "namespace": namespace,
            "addedPacks": [
                {
                    "name": manifest.name,
                    "id": str(manifest.id),
                    "packVersion": one.version,
                    "ruleCount": len(one.rules),
                    "caseCount": len(one.cases),
                    "logIndex": index,
                }
                for manifest, one, index in zip(
                    added.manifests, added.packs, added.indices, strict=True
                )
            ],
        },
    )
    for manifest, one, index in zip(added.manifests, added.packs, added.indices, strict=True):
        rules = pluralize(len(one.rules), "rule")
        session.screen.result(
            f"✓ added    {manifest.name}  {one.version}, {rules}, log entry {index}"
        )
    session.screen.hint(f"see what it decides: lyrikstore rules check {namespace}/DATASET")


@declare(
    "check",
    epilog="lyrikstore rules check acme/notes --purpose train\n"
    "lyrikstore rules check acme/notes --pack health --explain",
)
@click.argument("ref", metavar="REF")
@click.option("--purpose", metavar="WORD", default="train", help="The purpose of training.")
@click.option(
    "--action",
    type=click.Choice(["train", "evaluate", "approve", "deploy"]),
    default=None,
    help="What is to be done; by default train with a dataset, deploy a checkpoint.",
)
@click.option("--also", metavar="WORD", multiple=True, help="A further use, as in [use] also.")
@click.option(
    "--pack",
    "packs",
    metavar="PACK",
    multiple=True,
    help="A pack or file that decides in place of the rules in force.",
)
@_namespace
@click.option("--explain", is_flag=True, help="Also show the facts and their evidence.")
def _check(
    session: Session,
    ref: str,
    purpose: str,
    action: str | None,
    also: tuple[str, ...],
    packs: tuple[str, ...],
    namespace: str,
    *,
    explain: bool,
) -> None:
    """Show what the rules answer to a use of REF: a dataset, a checkpoint, or a logged run.

    Nothing is signed. Exit code 14 if the rules deny it.
    """
    from lyrikstore.api.commands import fact_text

    store = session.open_store()
    decided = store.rules.check(
        ref,
        purpose=purpose,
        action=action or "",
        also=also,
        packs=packs,
        namespace=namespace,
    )
    session.emit("rules-check", _decided_json(decided))
    screen = session.screen
    mark = {"permit": "✓", "permit-by-waiver": "!"}.get(decided.answer, "✗")
    packs_of = ", ".join(f"{one.name} {one.version}" for one in decided.rules.packs)
    screen.result(f"{mark} {decided.use.action} {ref}: {decided.answer}, by {packs_of}")
    for resource, answer in zip(decided.question.resources, decided.answers, strict=True):
        by = f" ({', '.join(answer.forbidding)})" if answer.forbidding else ""
        screen.result(f"   {escape_control(resource.name)}: {answer.answer}{by}")
        if explain:
            for name, value in resource.facts.items():
                screen.result(f"      {name:<24} {escape_control(fact_text(value))}")
            screen.result(f"      evidence: {', '.join(one.short for one in resource.evidence)}")
    for denial in decided.denials:
        screen.result(f" ✗ {escape_control(denial.text)}")
        if denial.rule is not None and denial.rule.cite:
            screen.result(f"   source: {escape_control(denial.rule.cite)}")
    if decided.answer == "deny":
        raise click.exceptions.Exit(14)


@declare(
    "diff",
    epilog="lyrikstore rules diff rules/acme/org rules.toml\n"
    "lyrikstore rules diff rules/acme/health~1 rules/acme/health --over runs/acme/triage",
)
@click.argument("before", metavar="OLD")
@click.argument("after", metavar="NEW")
@click.option(
    "--over",
    metavar="REF",
    multiple=True,
    help="What is decided by both; by default the runs, evaluations and deployments here.",
)
def _diff(session: Session, before: str, after: str, over: tuple[str, ...]) -> None:
    """Show what would be decided otherwise by pack NEW in place of pack OLD.

    OLD and NEW are packs of this store (rules/NAMESPACE/NAME), packs that come along, or files. The
    other rules in force decide with each of them. Nothing is signed.
    """
    store = session.open_store()
    changes, compared = store.rules.diff(before, after, over=over)
    session.emit(
        "rules-diff",
        {
            "compared": compared,
            "changes": [
                {
                    "name": one.name,
                    "resource": one.resource.name,
                    "oldAnswer": {
                        "answer": one.before.answer,
                        "forbiddenBy": list(one.before.forbidding),
                    },
                    "newAnswer": {
                        "answer": one.after.answer,
                        "forbiddenBy": list(one.after.forbidding),
                    },
                }
                for one in changes
            ],
        },
    )
    for one in changes:
        was, then = (" ".join((some.answer, *some.forbidding)) for some in (one.before, one.after))
        session.screen.result(f"~ {one.name}: {escape_control(one.resource.name)}")
        session.screen.result(f"    {was} → {then}")
    uses = pluralize(compared, "use")
    session.screen.result(f"{len(changes)} answers change, over {uses}")


@declare(
    "waive",
    signs=True,
    appends=True,
    epilog="lyrikstore rules waive health-residual acme/notes --until 2027-03-31 "
    '-m "pilot" --liable "Dr. Ann Lee"',
)
@click.argument("rule", metavar="RULE")
@click.argument("ref", metavar="REF")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    required=True,
    help="The last day, as 2027-03-31.",
)
@click.option(
    "-m", "--message", "reason", metavar="TEXT", required=True, help="Why; signed and public."
)
@click.option("--liable", metavar="TEXT", required=True, help="Who answers for it; signed.")
@_namespace
def _waive(
    session: Session,
    rule: str,
    ref: str,
    until: datetime,
    reason: str,
    liable: str,
    namespace: str,
) -> None:
    """Lift RULE for this version of the dataset or checkpoint REF, until a day.

    Only keys of the role `waiver` can sign this, and never for their own runs. It grants nothing.
    Sign it again with a past day to end it.
    """
    store = session.open_store(sign=True)
    waiver, index = store.rules.waive(
        rule, ref, until=until.date(), reason=reason, liable=liable, namespace=namespace
    )
    session.emit(
        "rules-waive",
        {
            "name": waiver.name,
            "id": str(waiver.id),
            "rule": rule,
            "lastDay": waiver.body["until"],
            "logIndex": index,
        },
    )
    session.screen.result(f"✓ waived   {rule} until {waiver.body['until']}, log entry {index}")


def _decided_json(decided: "DecidedUse") -> dict[str, Any]:
    return {
        "act": decided.use.action,
        "namespace": decided.use.namespace,
        "context": dict(decided.use.context),
        "answer": decided.answer,
        "rulePacks": [
            {"name": one.name, "packVersion": one.version} for one in decided.rules.packs
        ],
        "resources": [
            {
                "kind": resource.kind,
                "name": resource.name,
                "answer": answer.answer,
                "forbiddenBy": list(answer.forbidding),
                "liftedByWaiver": list(answer.lifted),
                "facts": dict(resource.facts),
                "evidence": [str(one) for one in resource.evidence],
            }
            for resource, answer in zip(decided.question.resources, decided.answers, strict=True)
        ],
        "denied": [one.to_json() for one in decided.denials],
        "waivers": [str(one.id) for one in decided.waivers],
    }


for _one in (_new, _test, _add, _check, _diff, _waive):
    command.add_command(_one)
