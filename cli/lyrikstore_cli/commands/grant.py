"""``lyrikstore grant``: license a dataset to a named holder."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyrikstore.canon.timestamps import format_timestamp, now
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.offers import hint_revocation
from lyrikstore_cli.output.key_limits import warn_of_changes
from lyrikstore_cli.output.similar import earlier_rows, hint_earlier
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Issuance


@declare(
    "grant",
    signs=True,
    appends=True,
    epilog="lyrikstore grant delivery --to did:key:z6Mk… --permit train --territory EU "
    "--until 180d --seats 5 -o grant.json",
)
@click.argument("credential", type=options.DELIVERED)
@click.option("--to", "holder", metavar="DID", required=True, help="The DID of the holder.")
@click.option("--to-name", help="The name of the holder: claimed, not proved.")
@click.option(
    "--permit",
    "permits",
    required=True,
    help="What the holder may do: train,evaluate,…",
)
@click.option("--require", "requires", default="", help="Duties in addition to those of the terms.")
@click.option(
    "--territory", default="", help="Territory: DE,FR,US-CA; EU and EEA mean their members."
)
@click.option("--seats", type=click.IntRange(min=1), help="Number of people.")
@click.option("--for", "purposes", default="", help="Purposes of the work: internalOperations,…")
@click.option(
    "--until", "end", required=True, help="End: 2027-12-31, 2027-12-31T12:00:00Z or 365d."
)
@options.issuance(
    options.did_document,
    options.issuer_name,
    click.option("--supersedes", type=options.GRANT, help="A grant that this one replaces."),
    options.status_url,
)
@options.output_file
def command(
    session: Session,
    credential: Path,
    holder: str,
    to_name: str | None,
    permits: str,
    requires: str,
    territory: str,
    seats: int | None,
    purposes: str,
    end: str,
    issuance: "Issuance",
    output: Path,
) -> None:
    """Grant a licence to a named holder under the terms of CREDENTIAL, which you issued.

    You can grant what CREDENTIAL permits to everybody, and what it was issued with as
    `--grantable`. The grant is logged here and written to one file for the holder, who proves with
    `lyrikstore present` that they hold it. For a CREDENTIAL issued by a did:web, every key that may
    sign here for that organisation grants in its name; its document is written beside the grant.
    """
    from lyrikstore.api import Licence

    options.check_new(output)
    store = session.open_store(sign=True)
    last = options.until(end, now())
    result = store.credentials.grant(
        options.read_credential(credential),
        Licence(
            holder=holder,
            permits=options.words(permits),
            until=last,
            requires=options.words(requires),
            territory=options.words(territory),
            seats=seats,
            purposes=options.words(purposes),
            holder_name=to_name,
        ),
        issuance,
    )
    written = options.write_credential(output, result)
    earlier = earlier_rows(store, result.data)
    session.emit(
        "grant",
        {
            "credential": str(result.id),
            "holder": holder,
            "permits": list(options.words(permits)),
            "validUntil": format_timestamp(last),
            "written": [str(path) for path in written],
            "logIndex": result.log_index,
            "lists": sorted(result.lists),
            "earlier": earlier,
        },
    )
    screen = session.screen
    screen.result(
        f"✓ granted  {', '.join(options.words(permits))} to {holder}, "
        f"until {format_timestamp(last)}"
    )
    screen.result(
        f"✓ wrote    {', '.join(map(str, written))}; credential {result.id.short}, "
        f"log entry {result.log_index}"
    )
    screen.hint(
        "the holder puts them beside the delivery, and proves to hold the grant: lyrikstore present"
    )
    warn_of_changes(screen, store)
    hint_earlier(screen, earlier)
    hint_revocation(screen, issuance.status_url)
