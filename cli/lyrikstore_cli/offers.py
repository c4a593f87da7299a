"""What ``issue`` and ``permit`` share: the terms of a credential, and what is said of it after."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyrikstore_cli import options
from lyrikstore_cli.licences import say_licences
from lyrikstore_cli.output.screen import Screen

if TYPE_CHECKING:
    from lyrikstore.api import IssueResult, Offer

_OPTIONS = (
    click.option("--permit", "permits", default="", help="What a holder may do: train,evaluate,…"),
    click.option("--prohibit", "prohibits", default="", help="What is forbidden: redistribute,…"),
    click.option("--require", "requires", default="", help="Duties: attribution,…"),
    click.option(
        "--grantable", default="", help="What you may grant besides to somebody by name: train,…"
    ),
    click.option(
        "--terms",
        "terms_file",
        type=click.Path(path_type=Path),
        help="A terms file instead: partitions, limits, statements, measurements (docs/terms.md).",
    ),
)


def offer_options(command: Callable[..., Any]) -> Any:
    """Add the options that say what is permitted; the command gets an ``offer``."""
    return options.gathered("offer", _read_offer, *_OPTIONS)(command)


def _read_offer(
    permits: str, prohibits: str, requires: str, grantable: str, terms_file: Path | None
) -> "Offer":
    """Return what the options say.

    Raises:
        click.UsageError: Nothing is permitted, or it is said twice.
        InvalidInputError: As :func:`lyrikstore.api.load_offer`.
    """
    from lyrikstore.api import Offer, load_offer

    if terms_file is None:
        if not permits:
            raise click.UsageError("say what is permitted: --permit train,… or --terms FILE")
        return Offer.of_words(
            options.words(permits),
            options.words(prohibits),
            options.words(requires),
            options.words(grantable),
        )
    if permits or prohibits or requires or grantable:
        raise click.UsageError("--terms says it all: leave out what it would repeat")
    return load_offer(terms_file)


def say_issued(screen: Screen, result: "IssueResult") -> None:
    """Say what was issued, about what, what it permits, and whose terms it keeps to."""
    screen.result(
        f"✓ issued   credential {result.credential_id.short} about {result.manifest.name} "
        f"{result.manifest.id.short}, log entry {result.log_index}"
    )
    say_licences(screen, result.licences)
    terms = result.terms
    until = f"until {result.valid_until or 'further notice'}"
    if len(terms.partitions) == 1:
        screen.result(f"  permits  {', '.join(terms.permits) or 'nothing'}, {until}")
    else:
        for part in terms.partitions:
            screen.result(f"  permits  {part.name}: {', '.join(part.permits) or 'nothing'}")
        screen.result(
            f"  permits  all {len(terms.partitions)} together: "
            f"{', '.join(terms.permits) or 'nothing'}, {until}"
        )
    for one in result.publishers:
        screen.result(f"  rests on {one.name}, by {one.issuer}")
    if result.taken_over:
        screen.result(f"  as their terms demand: {'; '.join(result.taken_over)}")
    for one in result.left_out:
        screen.result(
            f"! named    the credential of {one.issuer}, and not handed over: it would tell what a "
            "filter took out"
        )


def issued_json(result: "IssueResult") -> dict[str, Any]:
    """Return it as ``schemas/cli/permit.schema.json`` wants it, but for lists and earlier ones."""
    return {
        "credential": str(result.credential_id),
        "logIndex": result.log_index,
        "id": str(result.manifest.id),
        "name": result.manifest.name,
        "records": str(result.records.id),
        "validFrom": result.valid_from,
        "validUntil": result.valid_until,
        "descriptor": dict(result.descriptor),
        "firstPublishers": [
            {**one.to_json(), "carried": one not in result.left_out} for one in result.publishers
        ],
        "takenOver": list(result.taken_over),
        **result.licences.to_json(),
    }


def hint_revocation(screen: Screen, status_url: str | None) -> None:
    """Say who will learn it if the credential just issued is taken back."""
    screen.hint(
        "if you take it back (lyrikstore credential revoke), who has this log or a clone of it "
        "learns it, and nobody else: for others issue it with --status-url"
        if status_url is None
        else options.PUBLISH_LISTS
    )
