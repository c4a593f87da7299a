"""``lyrikstore approve``: approve a model card, or withdraw an approval."""

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
@click.option(
    "--self", "alone", is_flag=True, help="Approve your own work; the status states that."
)
@click.option("--withdraw", "revoke", is_flag=True, help="Withdraw your approval.")
@click.option("-m", "--message", default="", help="Your reason, signed with it.")
def command(session: Session, card: str, alone: bool, revoke: bool, message: str) -> None:
    """Approve CARD, a model card or its checkpoint, with a key that has an approving role.

    The store's policy states which keys may approve and how many are needed: a role with the kind
    approval and a threshold. The signer of the run, the model or the card cannot approve it, except
    with --self: that is a separate status, which is shown everywhere. Two keys do not prove two
    people.
    """
    store = session.open_store(sign=True)
    manifest, index, status = store.models.approve(
        card, alone=alone, revoke=revoke, statement=message
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
    done = "withdrew" if revoke else "approved"
    session.screen.result(f"✓ {done} {manifest.name}  {manifest.id.short}  log entry {index}")
    session.screen.result(f"  the card is {status.word}: {escape_control(status.why)}")
    warn_of_unmet(session.screen, store)
