"""``lyrikstore permit``: what your own people may do with your own data."""

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
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(
    session: Session,
    ref: str,
    offer: "Offer",
    valid_for: str,
    issuance: "Issuance",
    yes: bool,
) -> None:
    """Permit the use of REF here: sign and log a dataset credential, and write nothing.

    Training and evaluating ask for one about one's own data, too. What somebody else holds stays
    theirs to permit: this is your word, and whoever does not believe you is not bound to it. Of
    data that you imported no more can be permitted than its publisher permits; of data whose
    description or licence names another holder, or that is under a public licence, the command
    says so and asks; terms repeats it. To hand the data over, use issue.
    """
    store = session.open_store(sign=True)
    other = store.credentials.other_holder(ref, offer)
    asked = other is not None and not yes and session.confirm_here(own_word(other) + ". Permit it?")
    with session.progress("permitting"):
        result = store.credentials.permit(
            ref,
            offer=offer,
            issuance=issuance,
            valid_for=options.duration(valid_for),
        )
    earlier = earlier_rows(store, result.credential)
    lists = status_urls(result.credential)
    said = None if other is None else other.to_json()
    more = {"ownWord": said, "lists": lists, "earlier": earlier}
    session.emit("permit", {**issued_json(result), **more})
    say_issued(session.screen, result)
    if other is not None:
        warn_of_own_word(session.screen, other, asked=asked)
    warn_of_changes(session.screen, store)
    hint_earlier(session.screen, earlier)
    hint_revocation(session.screen, issuance.status_url)
