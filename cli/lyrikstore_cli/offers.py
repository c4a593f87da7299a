"""Options and output that ``issue`` and ``permit`` share: the terms of a credential."""

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
        "--grantable", default="", help="What you may also grant to a named holder: train,…"
    ),
    click.option(
        "--terms",
        "terms_file",
        type=click.Path(path_type=Path),
        help="A terms file instead, with partitions, limits, measurements… (docs/terms.md).",
    ),
)


def offer_options(command: Callable[..., Any]) -> Any:
    """Add the options for terms to a command, which gets them as ``offer``."""
    return options.gathered("offer", _read_offer, *_OPTIONS)(command)


def _read_offer(
    permits: str, prohibits: str, requires: str, grantable: str, terms_file: Path | None
) -> "Offer":
    """Return the offer that the options describe.

    Raises:
        click.UsageError: They permit nothing, or a terms file and other options are given.
        InvalidInputError: As :func:`lyrikstore.api.load_offer`.
    """
    from lyrikstore.api import Offer, load_offer

    if terms_file is None:
        if not permits:
            raise click.UsageError("name what is permitted: --permit train,… or --terms FILE")
        return Offer.of_words(
            options.words(permits),
            options.words(prohibits),
            options.words(requires),
            options.words(grantable),
        )
    if permits or prohibits or requires or grantable:
        raise click.UsageError(
            "--terms replaces --permit, --prohibit, --require and --grantable: leave these out"
        )
    return load_offer(terms_file)


def say_issued(screen: Screen, result: "IssueResult") -> None:
    """Print the issued credential: its subject, what it permits, and the terms it keeps."""
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
        screen.result(f"  as their terms require: {'; '.join(result.taken_over)}")
    for one in result.left_out:
        screen.result(
            f"! named    the credential of {one.issuer}, but left out: it would reveal data that a "
            "filter removed"
        )


def issued_json(result: "IssueResult") -> dict[str, Any]:
    """Return the members of ``permit.schema.json`` except ``lists`` and ``earlier``."""
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
    """Print who will see a revocation of the credential that was just issued."""
    screen.hint(
        "a later revocation (lyrikstore credential revoke) is visible only in this log and its "
        "clones; so that others see it, issue with --status-url"
        if status_url is None
        else options.PUBLISH_LISTS
    )
