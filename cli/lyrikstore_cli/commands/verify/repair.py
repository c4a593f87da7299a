"""``verify --repair-from REMOTE``: restore damaged files before the verification."""

from collections.abc import Mapping

from lyrikstore.canon.errors import VerificationError
from lyrikstore.canon.text import escape_control
from lyrikstore_cli.session import Session


def repair_from(session: Session, remote: str) -> None:
    """Fetch damaged or missing files of the store from a remote, given by name or URL."""
    from lyrikstore.api.commands import NamedRemote, place_of
    from lyrikstore.api.remotes import repair_store

    known = {one.name: one for one in session.remotes().all()}
    source = known.get(remote) or NamedRemote(remote, place_of(remote))
    try:
        with session.progress("repairing") as progress:
            repaired = repair_store(
                session.store_folder(),
                source.place(session.environment),
                memory_dir=session.paths.memory,
                progress=progress,
            )
    except VerificationError as error:
        _print_restored(session, error.details.get("restored", {}))
        raise
    _print_restored(session, {one.name: one.problem for one in repaired})
    if not repaired:
        session.screen.say(f"– nothing to repair from {escape_control(source.url)}")


def _print_restored(session: Session, restored: Mapping[str, str]) -> None:
    for name, problem in restored.items():
        session.screen.say(f"✓ restored {name}, which was {problem}")
