"""Makes ``stores/damaged.json``: a small store, sound, damaged and with false statements.

Each case is the store in ``base`` with some files replaced (base64; ``null``: removed), at the
moment and with the trust that are there or in ``base``. ``checks`` has every check that is neither
``pass`` nor ``n/a``, with its reason; with ``logBroken`` all others are ``unchecked`` with that
reason. ``objects`` has the same of what is current under a name. The expected answers are written
by hand. Files are the same on every machine, as those of ``end-to-end.json`` are.
"""

import base64
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from end_to_end import AT, LOG, OWNER, TRUST, Build, without_chance
from lyrikstore.canon.digest import Digest
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Attachment, Manifest, sign_manifest
from lyrikstore.history.repository.repository import Repository

Files = dict[str, bytes]
Row = dict[str, Any]

ROWS, RECORDS, TRAIN = "datasets/acme/rows", "records/acme/rows", "datasets/acme/rows.train"


def read(store: Path) -> Files:
    """Return the files of a store; locks are none."""
    return {
        path.relative_to(store).as_posix(): path.read_bytes()
        for path in sorted(store.rglob("*"))
        if path.is_file() and path.name != "lock"
    }


def spelt(files: Mapping[str, bytes | None]) -> dict[str, str | None]:
    """Return files as JSON has them."""
    return {
        path: None if data is None else base64.b64encode(data).decode()
        for path, data in files.items()
    }


def flipped(data: bytes, at: int) -> bytes:
    """Return bytes of which one bit is another."""
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


class Forged:
    """A copy of the store, in which somebody signs what is not so."""

    def __init__(self, store: Path, home: Path, clock: Callable[[], Any]) -> None:
        shutil.copytree(store, home / "store")
        self.store, self._clock = home / "store", clock
        memory = LogMemory(home / "memory")
        self.repository = Repository.open(self.store, memory=memory, log_signer=LOG)

    def sign(self, name: str, signer: Signer = OWNER, **changes: Any) -> Manifest:
        """Sign and log what is current under a name once more, changed."""
        old = self.repository.resolve(name)
        attached: Mapping[str, bytes] = changes.pop("attached", {})
        kept = [one for one in old.attachments if one.role not in attached]
        kept += [Attachment(role, Digest.of(data), len(data)) for role, data in attached.items()]
        made = sign_manifest(
            kind=old.kind, store=old.store, name=changes.pop("new_name", name),
            parents=changes.pop("parents", [old.id]), inputs=changes.pop("inputs", old.inputs),
            tree=changes.pop("tree", old.tree), files=old.files,
            body={**old.body, **changes}, attachments=kept, signer=signer, created=self._clock(),
        )  # fmt: skip
        with open_transaction(self.repository) as transaction:
            for data in attached.values():
                transaction.writer.put_bytes(data)
            transaction.log_manifest(made)
            transaction.commit()
        return made


def _case(
    name: str, verdict: str, checks: Row, files: Mapping[str, bytes | None], **more: Any
) -> Row:
    return {"id": name, "verdict": verdict, "checks": checks, "files": spelt(files), **more}


def _object(verdict: str, **checks: str) -> Row:
    return {"verdict": verdict, "checks": checks}


SOUND = _object("trusted")


def _of_files(base: Files) -> Iterator[Row]:
    """Yield what happens to files whose log holds."""
    packs = {
        (number, one["role"]): f"packs/{(name := one['id'][7:])[:2]}/{name}.pack"
        for number in range(4)
        for one in json.loads(base[f"tx/{number:020}"])["packs"]["add"]
    }

    def damage(*of: Any) -> Files:
        path = packs[of]
        return {path: flipped(base[path], len(base[path]) // 2)}

    wrong = "problems"
    top, entries = "log/tile/0/000.p/12", "log/tile/entries/000.p/12"
    yield _case("sound", "trusted", {}, {}, objects={ROWS: SOUND, RECORDS: SOUND, TRAIN: SOUND})
    yield _case(
        "nobody-trusted", "valid", {"store.genesis": "unknown-founder"}, {},
        trust="version = 1\n",
        objects={ROWS: _object("valid", **{"store.genesis": "unknown-founder"})},
    )  # fmt: skip
    yield _case("before-its-credential", "trusted", {"credentials": "noted"}, {},
                at="2026-11-01T00:00:00Z", objects={ROWS: SOUND})  # fmt: skip
    yield _case(
        "rows-damaged", "invalid", {"blobs": wrong, "datasets": wrong, "records": wrong},
        damage(1, "data"),
        objects={
            ROWS: _object("invalid", blobs=wrong, datasets=wrong),
            RECORDS: _object("invalid", blobs=wrong, datasets=wrong, records=wrong),
            TRAIN: _object("invalid", blobs=wrong, datasets=wrong),
        },
    )  # fmt: skip
    yield _case(
        "rows-of-parts-damaged", "invalid", {"blobs": wrong, "datasets": wrong}, damage(3, "data"),
        objects={ROWS: SOUND, RECORDS: SOUND,
                 TRAIN: _object("invalid", blobs=wrong, datasets=wrong)},
    )  # fmt: skip
    yield _case(
        "credential-damaged", "invalid", {"blobs": wrong, "credentials": wrong},
        damage(2, "documents"),
        objects={ROWS: _object("invalid", **{"rights.sources": wrong}), RECORDS: SOUND},
    )  # fmt: skip
    yield _case("stray-pack", "trusted", {"orphans": "noted"},
                {f"packs/00/{'00' * 32}.pack": b"x"}, objects={ROWS: SOUND})  # fmt: skip
    tiles = "log.tiles"
    yield _case("tile-damaged", "invalid", {tiles: wrong}, {top: flipped(base[top], 5)})
    yield _case("bundle-damaged", "invalid", {tiles: wrong}, {entries: flipped(base[entries], 90)})
    yield _case("tile-removed", "incomplete", {tiles: "lost"}, {top: None})
    yield _case("older-tile-removed", "incomplete", {tiles: "lost"}, {"log/tile/0/000.p/7": None})
    yield _case("unpublished", "trusted", {"log.transactions": "unpublished"},
                {f"tx/{4:020}": b"{}"})  # fmt: skip


def _of_logs(base: Files) -> Iterator[Row]:
    """Yield what happens to the log: where it does not hold, all other checks are not made."""

    def broken(name: str, check: str, reason: str, files: Mapping[str, bytes | None]) -> Row:
        return _case(name, "invalid", {check: reason}, files, logBroken=True)

    signed, second = "log/checkpoint", f"tx/{2:020}"
    missing = "transaction-missing"
    yield broken("signature-damaged", "log.checkpoint", "bad-log-signature",
                 {signed: flipped(base[signed], len(base[signed]) - 12)})  # fmt: skip
    yield broken("checkpoint-removed", "log.checkpoint", "no-checkpoint", {signed: None})
    yield broken("transaction-removed", "log.transactions", missing, {second: None})
    yield broken("last-transaction-removed", "log.transactions", missing, {f"tx/{3:020}": None})
    yield broken("transaction-damaged", "log.transactions", "log-mismatch",
                 {second: flipped(base[second], 60)})  # fmt: skip


def _false(forge: Callable[[], Forged], base: Files) -> Iterator[Row]:
    """Yield stores in which an owner signed what is not so: the version before stays sound."""

    def case(name: str, of: str, check: str, reason: str, **changes: Any) -> Row:
        forged = forge()
        forged.sign(of, **{key: value(forged) for key, value in changes.items()})
        files = read(forged.store)
        changed: dict[str, bytes | None] = {p: d for p, d in files.items() if base.get(p) != d}
        objects = dict.fromkeys((ROWS, RECORDS, TRAIN), SOUND)
        objects[of] = _object("invalid", **{check: reason})
        return _case(name, "invalid", {check: reason}, changed, objects=objects)

    def other_reasons(forged: Forged) -> Row:
        derivation: Row = forged.repository.resolve(TRAIN).body["derivation"]
        return {**derivation, "dropped": {"other": 1}}

    def other_root(forged: Forged) -> list[Row]:
        (root,) = forged.repository.resolve(RECORDS).body["roots"]
        return [{**root, "root": "0" * 64}]

    differs = ("datasets", "differs")
    yield case("another-number-of-records", ROWS, *differs, records=lambda _: 62)
    yield case("another-number-of-bytes", ROWS, *differs, bytes=lambda _: 1)
    yield case("other-reasons", TRAIN, *differs, derivation=other_reasons)
    yield case("no-decision-table", TRAIN, "datasets", "bad-decisions",
               attached=lambda _: {"decisions": b"no table"})  # fmt: skip
    yield case("another-root", RECORDS, "records", "records-differ", roots=other_root)


@cache
def make() -> dict[str, Any]:
    """Return file name → content."""
    with tempfile.TemporaryDirectory() as folder, without_chance():
        home, number = Path(folder), iter(range(1000))
        (home / "base").mkdir()
        build = Build(home / "base")
        for step in (build.commit, build.permit, build.split):
            build.moment += timedelta(hours=1)
            step()
        base = read(home / "base" / "store")

        def forge() -> Forged:
            place = home / str(next(number))
            place.mkdir()
            return Forged(home / "base" / "store", place, build.clock)

        cases = [*_of_files(base), *_of_logs(base), *_false(forge, base)]
    about = {"at": AT, "trust": TRUST, "files": spelt(base)}
    return {"stores/damaged.json": {"base": about, "cases": cases}}
