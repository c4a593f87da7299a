"""``lyrikstore terms``: show what datasets may be used for together, and which part decides."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyrikstore.api.commands import limit_words
from lyrikstore.canon.errors import NotFoundError
from lyrikstore.canon.files import no_file
from lyrikstore.canon.text import escape_control
from lyrikstore.canon.timestamps import format_timestamp, now, parse_timestamp
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.exits import VERDICT
from lyrikstore_cli.options import credential_file, read_file, words
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Asker, Deciders, Mix, TermSource, Use
    from lyrikstore.api.commands import AssertedModel, HeldGrant

_SAID = {
    "permitted": ("✓", "yes"),
    "prohibited": ("✗", "no"),
    "not-stated": ("✗", "not stated, so no"),
    "undeclared": ("–", "only within limits"),
    "unknown": ("–", "unknown, so no"),
}
_WORTH = {
    "trusted": ("✓", "green"),
    "valid": ("!", "yellow"),
    "incomplete": ("–", "yellow"),
    "invalid": ("✗", "red"),
}
_REFUSED, _UNTRUSTED = 14, 4
_LICENCE = "licence asserted by its importer"


@declare(
    "terms",
    epilog="lyrikstore terms delivery-a delivery-b/credential.json\n"
    "lyrikstore terms acme/corpus-clean --purpose train,commercialUse --territory DE",
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET…")
@click.option("--purpose", default="", help="The planned use: train,commercialUse,…")
@click.option(
    "--territory", default="", help="Territory: DE,FR,US-CA; EU and EEA mean their members."
)
@click.option("--seats", type=click.IntRange(min=1), help="Number of people.")
@click.option("--for", "purposes", default="", help="Purposes of the work: internalOperations,…")
@options.trust_file
@options.at
def command(
    session: Session,
    targets: tuple[str, ...],
    purpose: str,
    territory: str,
    seats: int | None,
    purposes: str,
    trust_file: Path | None,
    at: str | None,
) -> None:
    """Show what the TARGETs may be used for together: credentials, deliveries or REFs.

    A REF stands for the datasets that it was made from, and for the partitions whose files it kept;
    datasets of which a union no longer holds a record do not count. A checkpoint, run or deployment
    stands for the training data of it and of its base models. Licences of models from elsewhere
    are listed, and permit nothing. The output shows which dataset and partition decides each no,
    the sum of the duties, and terms that exclude each other. A credential that is invalid, or may
    have been revoked, permits nothing. Grants to your key count if they are beside a delivery or
    imported into the store of a REF; for a grant that does not apply, the reason is shown. With
    --at the answer for a REF is by the log as of that time. The exit code is the worst that
    `verify` would give for these credentials without their data: 3, 5, 4 or 0. With --purpose it
    is the answer: 0 permitted, 4 permitted by an issuer you do not trust, 5 not known, 14 not
    permitted.
    """
    from lyrikstore.api import Asker, mix

    def use(asker: Asker) -> "Use | None":
        if not purpose:
            return None
        where, what = words(territory), words(purposes)
        return asker.use(words(purpose), territory=where, seats=seats, purposes=what)

    if not purpose and (territory or seats or purposes):
        raise click.UsageError("--territory, --seats and --for need --purpose")
    moment = parse_timestamp(at) if at else now()
    asker = Asker(session.trust(trust_file), moment, session.own_did())
    use(asker)  # an unknown word is refused before any file is read
    sources, models, asker = _sources(session, targets, asker, floor=at is None)
    result = mix(sources, use(asker))
    unknown = [
        *(
            f"not counted: a grant beside {source.name}, for another version: manifest "
            f"{source.other_version.short}"
            for source in sources
            if source.other_version is not None
        ),
        *asker.not_proven,
    ]
    if at and not all(Path(target).exists() for target in targets):
        unknown.append(
            f"not counted: entries logged after {format_timestamp(moment)}, such as that a key was "
            "stolen; the times are claims of the entries themselves"
        )
    found = {**result.to_json(), "models": [one.to_json() for one in models]}
    session.emit("terms", {**found, "notProven": unknown})
    _show(session, result, models, words(purpose), unknown)
    if result.verdict != "trusted":
        session.screen.hint("to see what was checked: lyrikstore verify TARGET")
    if result.ruling is None:
        raise click.exceptions.Exit(VERDICT[result.verdict.value])
    if result.is_open:
        raise click.exceptions.Exit(VERDICT["incomplete"])
    if result.ruling[0] != "permitted":
        raise click.exceptions.Exit(_REFUSED)
    if result.worth != "trusted":
        raise click.exceptions.Exit(_UNTRUSTED)


def _sources(
    session: Session, targets: tuple[str, ...], asker: "Asker", *, floor: bool
) -> "tuple[list[TermSource], list[AssertedModel], Asker]":
    from msgspec.structs import replace

    from lyrikstore.api.commands import read_siblings, source_of_file

    sources, models, names = [], [], []
    for target in targets:
        path = Path(target)
        if not path.exists():
            if path.suffix == ".json" or target.startswith((".", "/")):
                raise no_file(path)
            names.append(target)
            continue
        file = credential_file(path)
        sources.append(source_of_file(target, read_file(file), read_siblings(file), asker))
    if names:
        try:
            store = session.open_store()
        except NotFoundError as error:
            raise NotFoundError(
                error.kind, f"{names[0]} is not a file, and {error.message}", hint=error.hint
            ) from None
        if floor:  # ATTACK: a clock set back to before the end of a licence
            asker = replace(asker, at=max(asker.at, store.floor()))
        sources += store.datasets.term_sources(names, asker, as_of=not floor)
        models = store.datasets.asserted_models(names)
    return sources, models, asker


def _show(
    session: Session,
    result: "Mix",
    models: "list[AssertedModel]",
    acts: tuple[str, ...],
    unknown: list[str],
) -> None:
    screen = session.screen
    for source in result.sources:
        parts = ", ".join(partition.name for partition in source.partitions)
        known = f"partitions {parts}" if parts else f"unknown: {source.problem}"
        through = f", through {source.through}" if source.through else ""
        screen.result(f"{source.name}{through}  by {source.issuer or 'nobody'}: {known}")
        mark, style = _WORTH[source.verdict.value]
        screen.result(f" {mark} {source.verdict}{': ' if source.note else ''}{source.note}", style)
        if source.own_word is not None:
            other = escape_control(source.own_word.summary)
            screen.result(f" ! by {source.issuer}'s own statement: {other}", "yellow")
        for grant in source.grants:
            _show_grant(session, grant)
    for freed in result.freed:
        screen.result(f"{freed.name}  does not count: no record of it is used")
    for model in models:
        licence = escape_control(model.asserted) if model.asserted else "none stated"
        screen.result(f"{model.name}  a model from elsewhere, {_LICENCE}: {licence}")
    screen.result("may be used together to")
    width = max(map(len, result.answers))
    for act, (answer, who) in result.answers.items():
        symbol, said = _SAID[answer]
        if answer == "not-stated" and result.is_grantable(act, who):
            said += "; its publisher can grant it to you by name"
        screen.result(f" {symbol} {act:<{width}}  {said}{_by(who)}")
    for duty, who in result.duties.items():
        screen.result(f" ! must: {duty}{_by(who)}")
    for limit, value in result.limits.to_json().items():
        if limit != "type":
            screen.result(f" ! only: {limit} {', '.join(limit_words(limit, value))}")
    for conflict in result.conflicts:
        screen.result(f" ✗ {conflict.summary}{_by(conflict.between)}", "bold red")
    for line in unknown:
        screen.result(f" – {line}", "dim")
    if result.ruling is not None:
        answer, reason, who = result.ruling
        trusted = result.worth == "trusted"
        style = "bold green" if answer == "permitted" and trusted else "bold yellow"
        if answer == "permitted":
            said = f"PERMITTED{'' if trusted else ', by somebody you do not trust'}"
        elif result.is_open:
            said = f"NOT KNOWN: {reason}; so it is not permitted"
        else:
            said, style = f"NOT PERMITTED: {answer.replace('-', ' ')}, {reason}", "bold red"
        screen.result(f"{said}{_by(who)}", style)
        short = result.grants_short_of(acts, who) if answer != "permitted" else ()
        for grant in short[:3]:
            what = f"{', '.join(grant.permits)}{_within(grant)}"
            screen.hint(f"a grant of {what} is here, but does not permit this: {grant.note}")
        if answer == "not-stated" and result.is_grantable(reason, who):
            here = "" if short else ", and no such grant is here"
            screen.hint(f"its publisher can grant it to you by name{here}")
        if answer == "undeclared":
            screen.hint("describe the use: --territory, --seats, --for")


def _show_grant(session: Session, grant: "HeldGrant") -> None:
    what = f"{', '.join(grant.permits)}{_within(grant)}"
    if not grant.is_yours:
        session.screen.result(f" – not granted to you: {what}  ({grant.note})", "dim")
        return
    mark, style = _WORTH[grant.verdict.value]
    worth = f"{grant.verdict}{': ' if grant.note else ''}{grant.note}"
    session.screen.result(f" {mark} granted to you: {what}  ({worth})", style)


def _within(grant: "HeldGrant") -> str:
    limits = [
        f"{name} {', '.join(limit_words(name, value))}"
        for name, value in grant.to_json()["limits"].items()
    ]
    return f", only {'; '.join(limits)}" if limits else ""


def _by(who: "Deciders") -> str:
    named = [f"{name}, partition {part}" if part else name for name, part in who[:3]]
    more = f" and {len(who) - 3} more" if len(who) > 3 else ""
    return f"  ({'; '.join(named)}{more})" if named else ""
