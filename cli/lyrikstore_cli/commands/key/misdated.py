"""``lyrikstore key misdated``: which log entries bear a wrong date."""

import click

from lyrikstore_cli.command import command as declare
from lyrikstore_cli.output.key_limits import warn_of_changes
from lyrikstore_cli.session import Session


@declare(
    "misdated",
    signs=True,
    epilog="lyrikstore log --audit\nlyrikstore key misdated 17 -m 'the clock of the new machine'",
)
@click.argument("indices", metavar="INDEX…", nargs=-1, required=True, type=click.IntRange(min=0))
@click.option("-m", "--message", default="", help="Why; signed and public.")
def command(session: Session, indices: tuple[int, ...], message: str) -> None:
    """Say of log entries, by the numbers `log --audit` gives, that they bear a wrong date.

    An owner signs it. Nobody signs or judges here as of a moment before what the log holds: one
    date in the future would keep everybody out until then. Entries named so stay, and count as
    before; only their dates do not, and everybody is shown that, for good.
    """
    from lyrikstore.history.commit.policy_change import change_policy, with_misdated

    store = session.open_store(sign=True)
    change = with_misdated(indices, store.repository.checkpoint.size)
    made = change_policy(
        store.repository, change, signer=store.signer(), clock=store.clock, message=message
    )
    misdated = list(made.policy.misdated)
    session.emit("key-misdated", {"misdated": misdated, "logIndex": made.index})
    session.screen.result(f"✓ misdated {', '.join(map(str, misdated))}, log entry {made.index}")
    warn_of_changes(session.screen, store.repository, made.policy)
