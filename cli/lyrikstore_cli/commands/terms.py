"""``lyrikstore terms``: what datasets may be used for together, and which part decides it."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import NotFoundError
from lyrikstore.canon.files import no_file
from lyrikstore.canon.timestamps import now, parse_timestamp
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.exits import VERDICT
from lyrikstore_cli.options import credential_file, read_file, words
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.credentials.terms.model import Use
    from lyrikstore.curate.terms.combined import Deciders, HeldGrant, Mix, TermSource
    from lyrikstore.curate.terms.sources import Asker

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


@declare(
    "terms",
    epilog="lyrikstore terms delivery-a delivery-b/credential.json\n"
    "lyrikstore terms acme/corpus-clean --purpose train,commercialUse --territory DE",
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET…")
@click.option("--purpose", default="", help="What you want to do: train,commercialUse,…")
@click.option("--territory", default="", help="Where: DE,FR,US-CA; EU, EEA: their members.")
@click.option("--seats", type=click.IntRange(min=1), help="How many people.")
@click.option("--for", "purposes", default="", help="For which work: internalOperations,…")
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
    """Say what the TARGETs may be used for together: credentials, deliveries or REFs.

    A REF stands for the datasets it was made from, and of these for the partitions whose files it
    kept. Says which dataset and partition decides each no, which duties add up, and which terms
    exclude each other. What a credential says that does not hold, or that may have been taken
    back, permits nothing. Licence grants to your key count: those next to a delivery, those that
    the store of a REF has imported. The exit code is the worst that `verify` would give these
    credentials without their data: 3, 5, 4 or 0. With --purpose it answers: 0 permitted, 4
    permitted by somebody you do not trust, 5 not known, 14 not.
    """
    from lyrikstore.credentials.terms.model import Use
    from lyrikstore.credentials.terms.vocabulary import (
        PERMISSIONS,
        PURPOSES,
        check_words,
        territory_of,
    )
    from lyrikstore.curate.terms.combined import mix
    from lyrikstore.curate.terms.sources import Asker

    trust = session.trust(trust_file)
    moment = parse_timestamp(at) if at else now()
    use = None
    if purpose:
        check_words("permission", words(purpose), PERMISSIONS)
        check_words("purpose", words(purposes), PURPOSES)
        places = territory_of(words(territory))
        use = Use(words(purpose), moment, places, seats, words(purposes))
    elif territory or seats or purposes:
        raise click.UsageError("--territory, --seats and --for go with --purpose")
    asker = Asker(trust, moment, session.own_did())
    result = mix(*_sources(session, targets, asker, use, floor=at is None))
    unknown = _not_proven(asker)
    session.emit("terms", {**result.to_json(), "notProven": unknown})
    _show(session, result, unknown)
    if result.verdict != "trusted":
        session.screen.hint("what was checked, and what was not: lyrikstore verify TARGET")
    if result.ruling is None:
        raise click.exceptions.Exit(VERDICT[result.verdict.value])
    if _is_open(result):
        raise click.exceptions.Exit(VERDICT["incomplete"])
    if result.ruling[0] != "permitted":
        raise click.exceptions.Exit(_REFUSED)
    if result.worth != "trusted":
        raise click.exceptions.Exit(_UNTRUSTED)


def _is_open(result: "Mix") -> bool:
    # What does not hold permits nothing, and that is known.
    unknown = result.ruling is not None and result.ruling[0] == "unknown"
    return unknown and result.worth != "invalid"


def _not_proven(asker: "Asker") -> list[str]:
    grants = "grants to other keys than yours, or that are neither beside a delivery nor imported"
    if asker.key is None:
        grants = "grants to you: no key of yours could be read; lyrikstore key list shows yours"
    return [
        "not looked at: the data itself (lyrikstore verify)",
        "not looked at: what the log proofs of a delivery show, and whether its log forked",
        f"not counted: {grants}",
        "words of terms are compared; no contract and no law is read",
    ]


def _sources(
    session: Session, targets: tuple[str, ...], asker: "Asker", use: "Use | None", *, floor: bool
) -> "tuple[list[TermSource], Use | None]":
    from msgspec.structs import replace

    from lyrikstore.curate.terms.sources import source_of_file, sources_of_datasets
    from lyrikstore.verify.delivery.folder import read_siblings

    sources, names = [], []
    for target in targets:
        path = Path(target)
        if not path.exists():
            if path.suffix == ".json" or target.startswith((".", "/")):
                raise no_file(path)
            names.append(target)
            continue
        file = credential_file(path)
        siblings = read_siblings(file)
        sources.append(source_of_file(target, read_file(file), siblings, asker))
    if names:
        try:
            store = session.open_store()
        except NotFoundError as error:
            raise NotFoundError(
                error.kind, f"{names[0]} is no file, and {error.message}", hint=error.hint
            ) from None
        if floor:  # ATTACK: a clock set back, to before a licence ran out
            asker = replace(asker, at=max(asker.at, store.repository.floor()))
            use = None if use is None else replace(use, at=asker.at)
        datasets = [store.resolve(name) for name in names]
        sources += sources_of_datasets(store.repository, datasets, asker)
    return _told_apart(sources), use


def _told_apart(sources: "list[TermSource]") -> "list[TermSource]":
    # Two credentials about one dataset may say different things: what decides a no is one of them.
    from msgspec.structs import replace

    often = Counter(source.name for source in sources)
    return [
        replace(source, name=f"{source.name}, credential {Digest.parse(source.credential).short}")
        if often[source.name] > 1 and source.credential is not None
        else source
        for source in sources
    ]


def _show(session: Session, result: "Mix", unknown: list[str]) -> None:
    screen = session.screen
    for source in result.sources:
        parts = ", ".join(partition.name for partition in source.partitions)
        known = f"partitions {parts}" if parts else f"unknown: {source.problem}"
        screen.result(f"{source.name}  by {source.issuer or 'nobody'}: {known}")
        mark, style = _WORTH[source.verdict.value]
        screen.result(f" {mark} {source.verdict}{': ' if source.note else ''}{source.note}", style)
        for grant in source.grants:
            mark, style = _WORTH[grant.verdict.value]
            worth = f"{grant.verdict}{': ' if grant.note else ''}{grant.note}"
            granted = f"granted to you: {', '.join(grant.permits)}{_within(grant)}"
            screen.result(f" {mark} {granted}  ({worth})", style)
    screen.result("may be used together to")
    width = max(map(len, result.answers))
    for act, (answer, who) in result.answers.items():
        symbol, said = _SAID[answer]
        if answer == "not-stated" and _is_grantable(result, act, who):
            said += "; its publisher can grant it to you by name"
        screen.result(f" {symbol} {act:<{width}}  {said}{_by(who)}")
    for duty, who in result.duties.items():
        screen.result(f" ! must: {duty}{_by(who)}")
    for limit, value in result.limits.to_json().items():
        if limit != "type":
            shown = ", ".join(value) if isinstance(value, list) else value
            screen.result(f" ! only: {limit} {shown}")
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
        elif _is_open(result):
            said = f"NOT KNOWN: {reason}; so it is not permitted"
        else:
            said, style = f"NOT PERMITTED: {answer.replace('-', ' ')}, {reason}", "bold red"
        screen.result(f"{said}{_by(who)}", style)
        if answer == "not-stated" and _is_grantable(result, reason, who):
            screen.hint("its publisher can grant it to you by name, and no such grant is here")
        if answer == "undeclared":
            screen.hint("say where, by how many, for which work: --territory, --seats, --for")


def _within(grant: "HeldGrant") -> str:
    limits = [
        f"{name} {', '.join(value) if isinstance(value, list) else value}"
        for name, value in grant.to_json()["limits"].items()
    ]
    return f", only {'; '.join(limits)}" if limits else ""


def _is_grantable(result: "Mix", act: str, who: "Deciders") -> bool:
    parts = {
        (source.name, name): partition.grantable
        for source in result.sources
        for partition in source.partitions
        for name in (partition.name, *([""] if len(source.partitions) == 1 else []))
    }
    return bool(who) and all(act in parts.get(one, ()) for one in who)


def _by(who: "Deciders") -> str:
    named = [f"{name}, partition {part}" if part else name for name, part in who[:3]]
    more = f" and {len(who) - 3} more" if len(who) > 3 else ""
    return f"  ({'; '.join(named)}{more})" if named else ""
