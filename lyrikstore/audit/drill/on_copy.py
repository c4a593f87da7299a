"""Attacks on a copy of the user's store, by somebody who can write to it and has no key."""

from lyrikstore.audit.drill.attack import Attack, NotApplicableError
from lyrikstore.audit.drill.copy import StoreCopy
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.log.checkpoint import LogCheckpoint
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.repository import Repository

LOG, BYTES = "log", "bytes"
"""What is verified: without the bytes of the packs, or with them."""

MOST_READ = 1 << 28
"""The largest pack, in bytes, that is read to be changed."""

_CHECKPOINT = "log/checkpoint"


def _packs(copy: StoreCopy) -> list[str]:
    """Return the names of the live packs, the smallest first."""
    repository = Repository.open(copy.root, memory=LogMemory(copy.root.parent / "opened"))
    chosen = () if repository.selection is None else repository.selection.packs
    named = sorted({*repository.live.packs, *chosen}, key=lambda pack: (pack.bytes, pack.id))
    there = [pack.name for pack in named if (copy.root / pack.name).is_file()]
    if not there:
        raise NotApplicableError("no pack is here")
    return there


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _flip_pack(copy: StoreCopy) -> None:
    name = _packs(copy)[-1]
    if (copy.root / name).stat().st_size > MOST_READ:
        name = _packs(copy)[0]
    data = copy.read(name)
    copy.write(name, _flipped(data, len(data) // 3))


def _cut_pack(copy: StoreCopy) -> None:
    name = _packs(copy)[0]
    copy.write(name, copy.read(name)[:-1])


def _lengthen_pack(copy: StoreCopy) -> None:
    name = _packs(copy)[0]
    copy.write(name, copy.read(name) + b"\0")


def _remove_pack(copy: StoreCopy) -> None:
    copy.remove(_packs(copy)[-1])


def _exchange_packs(copy: StoreCopy) -> None:
    first, *others = _packs(copy)
    if not others:
        raise NotApplicableError("the store has one pack")
    one, other = copy.read(first), copy.read(others[0])
    copy.write(first, other)
    copy.write(others[0], one)


def _plant_pack(copy: StoreCopy) -> None:
    copy.write(f"packs/00/{'0' * 64}.pack", b"planted")


def _change_tile(copy: StoreCopy) -> None:
    names = copy.names("log/tile/0/")
    if not names:
        raise NotApplicableError("the log has no tile here")
    data = copy.read(names[-1])
    copy.write(names[-1], _flipped(data, len(data) // 2))


def _change_entries(copy: StoreCopy) -> None:
    names = copy.names("log/tile/entries/")
    if not names:
        raise NotApplicableError("the log has no tile of entries here")
    data = copy.read(names[-1])
    copy.write(names[-1], _flipped(data, len(data) // 2))


def _remove_newest(copy: StoreCopy) -> None:
    copy.remove(_transactions(copy)[-1])


def _change_transaction(copy: StoreCopy) -> None:
    """Put another id into the record of the newest transaction that logs something."""
    for name in reversed(_transactions(copy)):
        data = copy.read(name)
        at = data.rfind(b'"id":"')
        if at > 0:
            copy.write(name, _flipped(data, at + 20))
            return
    raise NotApplicableError("no transaction logs anything")


def _plant_transaction(copy: StoreCopy) -> None:
    names = _transactions(copy)
    following = f"tx/{int(names[-1].removeprefix('tx/')) + 1:020d}"
    copy.write(following, copy.read(names[-1]))


def _transactions(copy: StoreCopy) -> list[str]:
    names = copy.names("tx/")
    if not names:
        raise NotApplicableError("the log has no transaction here")
    return names


def _sign_log_anew(copy: StoreCopy) -> None:
    """Sign the log checkpoint with a key made for it, under the log's own name."""
    stated = _checkpoint(copy)
    signer = KeySigner(PrivateKey.generate())
    copy.write(_CHECKPOINT, LogCheckpoint(stated.origin, stated.size, stated.root).sign(signer))


def _shorten_log(copy: StoreCopy) -> None:
    """State an older size in the log checkpoint, and leave its signature."""
    note = copy.read(_CHECKPOINT)
    size = _checkpoint(copy).size
    copy.write(_CHECKPOINT, note.replace(f"\n{size}\n".encode(), f"\n{size - 1}\n".encode(), 1))


def _checkpoint(copy: StoreCopy) -> LogCheckpoint:
    text = copy.read(_CHECKPOINT).partition(b"\n\n")[0] + b"\n"
    return LogCheckpoint.parse(text.decode())


ATTACKS: tuple[Attack[StoreCopy], ...] = (
    Attack("A01", "a bit of the data is flipped", BYTES, ("blobs",), _flip_pack),
    Attack("A04", "two packs change places", BYTES, ("blobs",), _exchange_packs),
    Attack("A05", "a pack is cut short", LOG, ("blobs",), _cut_pack),
    Attack("A05", "a pack gets bytes after its end", LOG, ("blobs",), _lengthen_pack),
    Attack("A08", "a pack is removed", LOG, ("blobs", "manifests"), _remove_pack),
    Attack("A36", "a pack that nobody logged is planted", LOG, ("orphans",), _plant_pack),
    Attack("A35", "a log tile is changed", LOG, ("log.tiles",), _change_tile),
    Attack("A35", "the entries in a log tile are changed", LOG, ("log.tiles",), _change_entries),
    Attack("A35", "the newest transaction is removed", LOG, ("log.transactions",), _remove_newest),
    Attack(
        "A35",
        "the newest transaction names another object",
        LOG,
        ("log.transactions",),
        _change_transaction,
    ),
    Attack(
        "A36",
        "a transaction that nobody signed is planted",
        LOG,
        ("log.transactions",),
        _plant_transaction,
    ),
    Attack("A37", "the log is signed with a new key", LOG, ("log.checkpoint",), _sign_log_anew),
    Attack("A30", "the log states an older size", LOG, ("log.transactions",), _shorten_log),
)
