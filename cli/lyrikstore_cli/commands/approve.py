"""``lyrikstore approve``: approve a model card, or take that back."""

import click

from lyrikstore.canon.text import escape_control
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.output.key_limits import warn_of_unmet
from lyrikstore_cli.session import Session


@declare(
    "approve",
    signs=True,
    appends=True,
    epilog="lyrikstore approve cards/acme/clauses -m 'read on 3 May'",
)
@click.argument("card")
@click.option("--self", "alone", is_flag=True, help="Approve what you made yourself, and say so.")
@click.option("--withdraw", is_flag=True, help="Take your approval back.")
@click.option("-m", "--message", default="", help="Why, in your words.")
def command(session: Session, card: str, alone: bool, withdraw: bool, message: str) -> None:
    """Approve CARD, a model card or its checkpoint, with a key whose role may.

    The store's policy says which keys may approve, and how many it takes: a role with the kind
    approval and a threshold. Whoever signed the run, the model or the card is not among them; who
    is alone approves with --self, which is a status of its own and shown everywhere. Two keys need
    not be two people.
    """
    store = session.open_store(sign=True)
    manifest, index, status = store.models.approve(
        card, alone=alone, withdraw=withdraw, statement=message
    )
    session.emit(
        "approve",
        {
            "id": str(manifest.id),
            "name": manifest.name,
            "logIndex": index,
            "card": str(manifest.inputs_in("card")[0].id),
            "decision": manifest.body["decision"],
            "cardStatus": status.word,
            "approvals": [str(one) for one in status.approvals],
            "approvalsNeeded": status.needed,
            "approvalsPossible": status.possible,
        },
    )
    done = "withdrew" if withdraw else "approved"
    session.screen.result(f"✓ {done} {manifest.name}  {manifest.id.short}  log entry {index}")
    session.screen.result(f"  the card is {status.word}: {escape_control(status.why)}")
    warn_of_unmet(session.screen, store)
