"""``lyrikstore issue``: a delivery that its buyer can verify alone."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyrikstore.canon.text import pluralize
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.output.key_limits import warn_of_changes
from lyrikstore_cli.output.screen import size
from lyrikstore_cli.output.similar import earlier_rows, hint_earlier, status_urls
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Offer


@declare(
    "issue",
    signs=True,
    epilog="lyrikstore issue acme/contracts -o delivery --permit train,evaluate --valid-for 365d\n"
    "lyrikstore issue acme/contracts -o delivery --terms terms.toml",
)
@click.argument("ref")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="A new or empty folder."
)
@click.option("--permit", "permits", default="", help="What a holder may do: train,evaluate,…")
@click.option("--prohibit", "prohibits", default="", help="What is forbidden: redistribute,…")
@click.option("--require", "requires", default="", help="Duties: attribution,…")
@click.option(
    "--grantable", default="", help="What you may grant besides to somebody by name: train,…"
)
@click.option(
    "--terms",
    "terms_file",
    type=click.Path(path_type=Path),
    help="A terms file instead: partitions, limits, statements, measurements (docs/terms.md).",
)
@options.valid_for
@options.issuer
@options.did_document
@options.issuer_name
@click.option("--version", "label", help="A version label for people.")
@options.status_url
@click.option(
    "--supersedes",
    type=options.DELIVERED,
    help="A credential of yours that this one replaces; then: lyrikstore supersede.",
)
def command(
    session: Session,
    ref: str,
    output: Path,
    permits: str,
    prohibits: str,
    requires: str,
    grantable: str,
    terms_file: Path | None,
    valid_for: str,
    issuer: str | None,
    did_document: Path | None,
    issuer_name: str | None,
    label: str | None,
    status_url: str | None,
    supersedes: Path | None,
) -> None:
    """Issue a dataset credential about REF and write the folder to hand over.

    The folder holds the data, the credential, the signed manifest, the proof of its place in the
    log, and a README that says how to verify it. With --status-url it can be revoked and
    suspended later; the lists then have to be published there: lyrikstore status-lists.
    """
    from lyrikstore.api import Issuance, web_url

    offer = _offer(terms_file, permits, prohibits, requires, grantable)
    store = session.open_store(sign=True)
    with session.screen.progress("issuing") as meter:
        result = store.credentials.issue(
            ref,
            output,
            offer=offer,
            issuance=Issuance(
                name=issuer_name,
                organisation=issuer,
                did_document=options.read_given(did_document),
                status_url=status_url,
                supersedes=None if supersedes is None else options.read_credential(supersedes),
            ),
            valid_for=options.duration(valid_for),
            version=label,
            progress=meter,
        )
    earlier = earlier_rows(store, result.credential)
    session.emit(
        "issue",
        {
            "folder": str(result.folder),
            "credential": str(result.credential_id),
            "logIndex": result.log_index,
            "id": str(result.manifest.id),
            "name": result.manifest.name,
            "records": str(result.records.id),
            "files": result.files,
            "bytes": result.bytes,
            "validFrom": result.valid_from,
            "validUntil": result.valid_until,
            "descriptor": dict(result.descriptor),
            "lists": status_urls(result.credential),
            "earlier": earlier,
        },
    )
    screen = session.screen
    screen.result(
        f"✓ issued   credential {result.credential_id.short} about {result.manifest.name} "
        f"{result.manifest.id.short}, log entry {result.log_index}"
    )
    terms = offer.terms
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
    states = ", ".join(f"{count} {state}" for state, count in result.descriptor.items())
    screen.result(f"  fields   {states}")
    screen.result(
        f"✓ wrote    {pluralize(result.files, 'file')}, {size(result.bytes)}, "
        f"and their evidence to {output}"
    )
    if issuer is None:
        known = f"send your key by another route than the folder: {store.signer().did}"
    else:
        (document,) = output.glob("did-*.json")
        known = f"publish {document} at {web_url(issuer)}, or send it by another route"
    screen.hint(f"{known}; the buyer runs: lyrikstore verify {output.name}")
    warn_of_changes(screen, store)
    hint_earlier(screen, earlier)
    if status_url is not None:
        screen.hint(options.PUBLISH_LISTS)


def _offer(
    file: Path | None, permits: str, prohibits: str, requires: str, grantable: str
) -> "Offer":
    from lyrikstore.api import Offer, load_offer

    if file is None:
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
    return load_offer(file)
