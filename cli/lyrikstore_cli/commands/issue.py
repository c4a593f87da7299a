"""``lyrikstore issue``: write a delivery that its buyer can verify without the store."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.licences import warn_of_narrower
from lyrikstore_cli.offers import (
    hint_revocation,
    issued_json,
    offer_options,
    say_issued,
)
from lyrikstore_cli.output.given_away import say_given_away, warn_of_denial
from lyrikstore_cli.output.key_limits import warn_of_changes
from lyrikstore_cli.output.screen import size
from lyrikstore_cli.output.similar import earlier_rows, hint_earlier, status_urls
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Issuance, Offer


@declare(
    "issue",
    signs=True,
    appends=True,
    epilog="lyrikstore issue acme/contracts -o delivery --permit train,evaluate --valid-for 365d\n"
    "lyrikstore issue acme/contracts -o delivery --terms terms.toml --to 'Example Inc.'",
)
@click.argument("ref")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="A new or empty folder."
)
@offer_options
@options.valid_for
@options.issuance(
    options.issuer, options.did_document, options.issuer_name, options.status_url, options.replaces
)
@click.option("--version-label", "label", help="A version label for people.")
@click.option(
    "--to",
    metavar="NAME",
    default="",
    help="The recipient; the log keeps that name permanently.",
)
def command(
    session: Session,
    ref: str,
    output: Path,
    offer: "Offer",
    valid_for: str,
    issuance: "Issuance",
    label: str | None,
    to: str,
) -> None:
    """Issue a dataset credential about REF and write the delivery folder.

    The folder holds the data, the credential, the signed manifest, the proof of its place in the
    log, and a README that explains how to verify it. You can revoke or suspend the credential
    later. With --status-url receivers see this in the lists that you publish there (lyrikstore
    credential publish); without it only your log and its clones show it. Data of other publishers
    is delivered only within their terms, with their credential. --to logs the delivery with its
    recipient, which log, lineage and impact show.
    """
    from lyrikstore.api.commands import web_url

    store = session.open_store(sign=True)
    with session.progress("issuing"):
        result = store.credentials.issue(
            ref,
            output,
            offer=offer,
            issuance=issuance,
            valid_for=options.duration(valid_for),
            version=label,
            to=to,
        )
    earlier = earlier_rows(store, result.credential)
    given_away = store.datasets.given_away(result.manifest)
    session.emit(
        "issue",
        {
            **issued_json(result),
            "folder": str(output),
            "files": result.files,
            "bytes": result.bytes,
            "lists": status_urls(result.credential),
            "earlier": earlier,
            "warnings": [
                {"reason": "narrower-terms", "summary": one.summary} for one in result.narrower
            ],
            "givesAway": [one.to_json() for one in given_away],
            "recipient": to or None,
            "delivery": None if result.delivery is None else str(result.delivery.id),
        },
    )
    screen = session.screen
    say_issued(screen, result)
    states = ", ".join(f"{count} {state}" for state, count in result.descriptor.items())
    screen.result(f"  fields   {states}")
    screen.result(
        f"✓ wrote    {pluralize(result.files, 'file')}, {size(result.bytes)}, "
        f"and their evidence to {output}"
    )
    if result.delivery is not None:
        screen.result(f"  to       {escape_control(to)}, logged as {result.delivery.name}")
    if issuance.organisation is None:
        known = f"send your key by another channel than the folder: {store.signer().did}"
    else:
        (document,) = output.glob("did-*.json")
        known = (
            f"publish {document} at {web_url(issuance.organisation)}, or send it by another channel"
        )
    screen.hint(f"{known}; the buyer runs: lyrikstore verify {output.name}")
    say_given_away(screen, given_away)
    warn_of_narrower(screen, result.narrower)
    warn_of_denial(screen, store.rules.foresee_denial([result.manifest], "issue"))
    warn_of_changes(screen, store)
    hint_earlier(screen, earlier)
    hint_revocation(screen, issuance.status_url)
