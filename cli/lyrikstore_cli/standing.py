"""What ``revoke``, ``suspend`` and ``reinstate`` share: find, sign, log, write the lists."""

import os
from pathlib import Path

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import storage_error
from lyrikstore.store import Store
from lyrikstore_cli.session import Session


def change(
    session: Session, credential: str, output: Path | None, purpose: str, *, value: bool, said: str
) -> None:
    """Change the standing of a credential and say what to publish."""
    store = session.open_store(sign=True)
    issued = store.set_status(_named(credential), purpose, value=value)
    written = write_lists(store, output) if output is not None else []
    session.emit(
        said,
        {
            "credential": str(issued.id),
            "name": issued.name,
            "lists": [entry.url for entry in issued.entries],
            "written": [str(path) for path in written],
        },
    )
    session.screen.result(f"✓ {said}  credential {issued.id.short}, signed and logged")
    for path in written:
        session.screen.result(f"✓ wrote    {path}")
    session.screen.hint(
        "buyers see it once the lists are published: "
        + ("copy them to their URLs" if written else "lyrikstore status-lists -o FOLDER")
    )


def write_lists(store: Store, folder: Path) -> list[Path]:
    """Write this issuer's current lists to ``folder`` and return their paths."""
    written = []
    for one in store.status_lists():
        path = folder / one.file_name
        new = path.with_name(f"{path.name}.new")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with new.open("wb") as file:
                file.write(one.data)
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except OSError as error:
            raise storage_error(error, f"writing {path}") from error
        written.append(path)
    return written


def _named(text: str) -> str:
    # A credential at hand is named by its file.
    path = Path(text)
    path = path / "credential.json" if path.is_dir() else path
    if not path.is_file():
        return text
    try:
        return str(Digest.of_file(path))
    except OSError as error:
        raise storage_error(error, f"reading {path}") from error
