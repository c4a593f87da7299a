"""``log timestamp``: requests for outside time, and what came back."""

from pathlib import Path
from typing import TYPE_CHECKING

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore_cli import options
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Store

_STAMP = ".tsq"


def stamp(session: Session, store: "Store", request: Path | None, answer: Path | None) -> None:
    """Write a request, or log an answer; one of both is given."""
    if request is not None:
        _ask(session, store, request)
    elif answer is not None:
        _log(session, store, answer)


def _ask(session: Session, store: "Store", path: Path) -> None:
    is_stamp = path.suffix == _STAMP
    options.check_new(path)
    data = store.query.stamp_request() if is_stamp else store.query.witness_request()
    options.write_new(path, data)
    size = store.query.log_head().size
    _emit(session, size=size, requestFile=str(path))
    screen = session.screen
    screen.result(f"✓ wrote    {path}  about {pluralize(size, 'entry')}")
    if is_stamp:
        screen.hint("send it to an authority as application/timestamp-query, keep the answer")
        screen.hint("then: lyrikstore log timestamp --add ANSWER.tsr")
    else:
        screen.hint(f"a witness runs: lyrikstore witness {path} -o cosigned.txt")
        screen.hint("then: lyrikstore log timestamp --add cosigned.txt")


def _log(session: Session, store: "Store", path: Path) -> None:
    added = store.policy.add_time(options.read_file(path))
    seen = added.time
    when = format_timestamp(seen.time)
    _emit(
        session,
        size=seen.size,
        time=when,
        outsider=seen.by,
        logIndex=added.index,
        timestampId=str(added.manifest.id),
    )
    session.screen.result(
        f"✓ logged   entry {added.index}: {pluralize(seen.size, 'entry')} existed by {when}, "
        f"as {escape_control(seen.by)} says"
    )


def _emit(session: Session, **members: object) -> None:
    nothing = dict.fromkeys(("time", "outsider", "logIndex", "timestampId", "requestFile"))
    session.emit("log", {**nothing, **members})
