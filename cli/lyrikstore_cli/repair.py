"""``verify --repair-from REMOTE``: put right what is damaged, before it is judged."""

from lyrikstore_cli.session import Session
from lyrikstore_cli.ui import clean


def repair_from(session: Session, remote: str) -> None:
    """Fetch what is damaged or missing in the store from a remote, by name or URL."""
    from lyrikstore.history.repairing import repair_store
    from lyrikstore.objects.remote import open_backend
    from lyrikstore_cli.remotes import NamedRemote, place_of

    known = {one.name: one for one in session.remotes().all()}
    source = known.get(remote) or NamedRemote(remote, place_of(remote))
    root = session.store_folder()
    with session.screen.progress("repairing") as meter:
        repaired = repair_store(
            root,
            open_backend(session.place(source), scratch=root / "tmp"),
            source.url,
            memory=session.memory(),
            progress=meter,
        )
    for one in repaired:
        session.screen.say(f"✓ restored {one.name}, which was {one.problem}")
    if not repaired:
        session.screen.say(f"– nothing to repair from {clean(source.url)}")
