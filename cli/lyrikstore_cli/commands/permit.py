"""``lyrikstore permit``: permit the use of your own data in this store."""

from typing import TYPE_CHECKING

import click

from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.licences import own_word, warn_of_own_word
from lyrikstore_cli.offers import (
    hint_revocation,
    issued_json,
    offer_options,
    say_issued,
)
from lyrikstore_cli.output.key_limits import warn_of_changes
from lyrikstore_cli.output.similar import earlier_rows, hint_earlier, status_urls
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Issuance, Offer


@declare(
    "permit",
    signs=True,
    appends=True,
    epilog="lyrikstore permit acme/contracts --permit train,evaluate",
)
@click.argument("ref")
@offer_options
@options.valid_for
@options.issuance(options.issuer_name, options.status_url, options.replaces)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def command(
    session: Session,
    ref: str,
    offer: "Offer",
    valid_for: str,
    issuance: "Issuance",
    yes: bool,
) -> None:
    """Permit the use of REF in this store: sign and log a dataset credential, and write no files.

    Training and evaluation need such a credential, also for your own data. For data of another
    holder it is only your statement, which others need not accept. For imported data you can permit
    no more than its publisher permits. If the description or the licence names another holder, or
    the licence is a public one, the command warns and asks for confirmation; `terms` repeats the
    warning. To deliver the data, use `issue`.
    """
    store = session.open_store(sign=True)
    other = store.credentials.other_holder(ref, offer)
    confirmed = (
        other is not None and not yes and session.confirm_here(own_word(other) + ". Permit it?")
    )
    with session.progress("permitting"):
        result = store.credentials.permit(
            ref,
            offer=offer,
            issuance=issuance,
            valid_for=options.duration(valid_for),
        )
    earlier = earlier_rows(store, result.credential)
    lists = status_urls(result.credential)
    own = None if other is None else other.to_json()
    more = {"ownWord": own, "lists": lists, "earlier": earlier}
    session.emit("permit", {**issued_json(result), **more})
    say_issued(session.screen, result)
    if other is not None:
        warn_of_own_word(session.screen, other, asked=confirmed)
    warn_of_changes(session.screen, store)
    hint_earlier(session.screen, earlier)
    hint_revocation(session.screen, issuance.status_url)
