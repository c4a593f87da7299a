"""An index is rebuilt whenever it does not fit, and answers the same every time."""

import errno
import json
import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, StorageError
from lyrikstore.history.commit.appender import Appender
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.index import build, collect
from lyrikstore.index.build import ask, ensure_index, index_path
from lyrikstore.index.views import VERSION, VIEWS
from lyrikstore.testing.keys import signer_for
from tools.make_docs import views

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "index-views.md"


def answers(repository: Repository) -> dict[str, Any]:
    """Return every row of every documented view."""
    path = ensure_index(repository).path
    with duckdb.connect(str(path), read_only=True, config={"threads": "1"}) as connection:
        return {
            view.name: connection.execute(f"SELECT * FROM {view.name}").fetchall() for view in VIEWS
        }


def one(repository: Repository, sql: str, *parameters: Any) -> Any:
    return ask(repository, sql, parameters).rows


def test_the_documentation_is_the_code(full_chain: Any) -> None:
    text = DOCUMENT.read_text("utf-8")
    assert f"version {VERSION}." in text
    assert "\n".join(views()) in text, "make docs"
    for view in VIEWS:
        described = ask(full_chain.repository, f"SELECT * FROM {view.name} LIMIT 0")
        assert list(described.columns) == [c.name for c in view.columns], view.name
        assert list(described.types) == [c.type for c in view.columns], view.name
    shown = {row[0] for row in one(full_chain.repository, "SHOW TABLES")}
    assert shown == {view.name for view in VIEWS}


def test_the_documented_examples_run(full_chain: Any) -> None:
    sql = re.search(r"```sql\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert sql is not None
    statements = [part for part in sql[1].split(";") if part.strip()]
    assert len(statements) == 4
    for statement in statements:
        ask(full_chain.repository, statement)


def test_what_it_says(full_chain: Any) -> None:
    repository, made = full_chain.repository, full_chain.made
    train = made["train"]
    assert one(repository, "SELECT store, log_size FROM store") == (
        (str(repository.store_id), repository.checkpoint.size),
    )
    assert len(one(repository, "SELECT * FROM log")) == repository.checkpoint.size
    assert one(repository, "SELECT id FROM refs WHERE name = ?", train.name) == ((str(train.id),),)
    assert one(repository, "SELECT kept, dropped FROM datasets WHERE part = 'train'") == ((3, 1),)
    assert one(
        repository, "SELECT path, bytes, blake3 FROM files WHERE manifest = ?", str(train.id)
    ) == tuple((e.path, e.bytes, e.blake3.hex) for e in repository.tree(train).entries)
    assert one(
        repository,
        "SELECT path FROM metadata WHERE is_current AND key = 'category' AND value = 'c1' "
        "AND name = ?",
        train.name,
    ) == (("a/two.txt",),)
    dropped = "SELECT path, filter, reason, before FROM decisions WHERE action = 'dropped'"
    assert one(repository, dropped) == (("b/twin.txt", "duplicates/1", "duplicate", None),)
    changed = "SELECT step, count, reason FROM decisions WHERE action = 'changed'"
    assert one(repository, changed) == ((2, 1, "redacted-email"),)
    permitted = "SELECT manifest FROM credentials WHERE list_contains(permits, 'train')"
    assert one(repository, permitted) == ((str(made["raw"].id),),)
    assert one(repository, "SELECT checkpoints FROM runs") == ((1,),)
    run = "SELECT run, base FROM checkpoints WHERE origin = 'trained'"
    assert one(repository, run) == ((str(made["run"].id), str(made["base"].id)),)
    evaluation = "SELECT accuracy, baseline_accuracy, majority_accuracy FROM evaluations"
    assert one(repository, evaluation) == ((0.75, 0.8, 0.5),)
    label = "SELECT value FROM scores WHERE system = 'model' AND metric = 'f1' AND label = ?"
    assert one(repository, label, 'it\'s "x"') == ((1.0,),)
    states = "SELECT field, state, value, reason FROM descriptor WHERE manifest = ? ORDER BY field"
    assert one(repository, states, str(made["raw"].id)) == (
        ("annotation", "not-applicable", None, None),
        ("consents", "unknown", None, "nobody has asked"),
        ("name", "value", '"Contracts"', None),
    )
    assert one(repository, "SELECT * FROM gaps") == ()


def test_it_says_what_rules_decided_and_who_waived_one(chain: Any) -> None:
    chain.decide()
    decided = "SELECT action, answer, resources, lifted FROM rule_decisions"
    assert one(chain.repository, decided) == (("train", "permit-by-waiver", 1, ["quiet"]),)
    waived = "SELECT rule, about, until, liable, decisions FROM waivers WHERE is_current"
    about = str(chain.made["train"].id)
    assert one(chain.repository, waived) == (("quiet", about, "2099-12-31", "Ann Lee", 1),)


def test_it_can_be_deleted_and_answers_the_same(chain: Any) -> None:
    first = answers(chain.repository)
    path = index_path(chain.repository)
    path.unlink()
    assert answers(chain.repository) == first
    for entry in path.parent.iterdir():
        if entry.name.startswith(path.name):
            entry.unlink()
    assert answers(Repository.open(chain.repository.root)) == first
    state = ensure_index(chain.repository, rebuild=True)
    assert (state.built, state.reason) == (True, "asked")
    assert answers(chain.repository) == first


def test_it_is_built_once(chain: Any) -> None:
    first = ensure_index(chain.repository)
    again = ensure_index(chain.repository)
    assert (first.built, first.reason, again.built, again.reason) == (True, "absent", False, "")
    assert first.bytes == again.bytes == first.path.stat().st_size
    names = sorted(entry.name for entry in first.path.parent.iterdir())
    assert [name for name in names if "index" in name] == ["index.duckdb", "index.duckdb.json"]


def test_a_grown_log_makes_it_stale(chain: Any) -> None:
    ensure_index(chain.repository)
    before = one(chain.repository, "SELECT count(*) FROM log")
    newer = chain.dataset(
        "newer", "datasets/acme/contracts", {"x.txt": b"x\n"}, parents=[chain.made["raw"].id]
    )
    assert ensure_index(chain.repository).reason == "stale"
    assert one(chain.repository, "SELECT count(*) FROM log")[0][0] == before[0][0] + 2
    versions = "SELECT id, version, is_current FROM datasets WHERE name = ? ORDER BY version"
    assert one(chain.repository, versions, "datasets/acme/contracts") == (
        (str(chain.made["raw"].id), 1, False),
        (str(newer.id), 2, True),
    )


def test_another_store_s_index_is_not_used(
    chain: Any, world: SimpleNamespace, tmp_path: Path
) -> None:
    ensure_index(chain.repository)
    other = world.Chain(tmp_path / "other") if (tmp_path / "other").mkdir() is None else None
    path, theirs = index_path(chain.repository), index_path(other.repository)
    theirs.parent.mkdir(exist_ok=True)
    for suffix in ("", ".json"):
        Path(f"{theirs}{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())
    assert ensure_index(other.repository).reason == "stale"
    assert one(other.repository, "SELECT count(*) FROM refs") == ((1,),)


def test_a_forged_index_is_set_aside_unopened(chain: Any) -> None:
    honest = answers(chain.repository)
    path = index_path(chain.repository)
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE facts.scores SET value = '1.0'")
        connection.execute("DELETE FROM facts.decisions")
    assert answers(chain.repository) == honest
    assert path.with_name("index.duckdb.set-aside").is_file()


@pytest.mark.parametrize("kind", ["folder", "link"])
@pytest.mark.parametrize("suffix", ["", ".json", ".set-aside"])
def test_whatever_stands_in_its_place_is_set_aside(
    chain: Any, tmp_path: Path, kind: str, suffix: str
) -> None:
    honest = one(chain.repository, "SELECT * FROM manifests")
    other = tmp_path / "other"
    other.write_bytes(b"not ours")
    place = Path(f"{index_path(chain.repository)}{suffix}")
    place.unlink(missing_ok=True)
    if kind == "folder":
        (place / "inner").mkdir(parents=True)
    else:
        place.symlink_to(other)
    assert one(chain.repository, "SELECT * FROM manifests") == honest
    assert other.read_bytes() == b"not ours"


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "garbage", "stamp", "no-stamp"])
def test_damage_is_noticed(chain: Any, damage: str) -> None:
    honest = one(chain.repository, "SELECT * FROM manifests")
    path = index_path(chain.repository)
    stamp = path.with_name("index.duckdb.json")
    data = bytearray(path.read_bytes())
    match damage:
        case "flip":
            data[len(data) // 2] ^= 1
            path.write_bytes(data)
        case "truncate":
            os.truncate(path, len(data) - 4096)
        case "empty":
            path.write_bytes(b"")
        case "garbage":
            path.write_bytes(b"\0" * 100_000)
        case "stamp":
            stamp.write_bytes(b"{")
        case "no-stamp":
            stamp.unlink()
    assert ensure_index(chain.repository).reason == "wrong"
    assert one(chain.repository, "SELECT * FROM manifests") == honest


def test_any_changed_stamp_means_rebuilding(chain: Any) -> None:
    ensure_index(chain.repository)
    path = index_path(chain.repository).with_name("index.duckdb.json")
    stamp = json.loads(path.read_bytes())
    for member in stamp:
        changed = {**stamp, member: "other"}
        path.write_bytes(json.dumps(changed, sort_keys=True, separators=(",", ":")).encode())
        assert ensure_index(chain.repository).built, member
    assert set(stamp) == {"database", "duckdb", "logRoot", "logSize", "store", "views"}


def test_an_index_this_duckdb_cannot_read_is_rebuilt(chain: Any) -> None:
    ensure_index(chain.repository)
    path = index_path(chain.repository)
    path.write_bytes(b"not a database" * 1000)
    stamp = path.with_name("index.duckdb.json")
    members = json.loads(stamp.read_bytes())
    members["database"] = str(Digest.of_file(path))
    stamp.write_bytes(json.dumps(members, sort_keys=True, separators=(",", ":")).encode())
    assert not ensure_index(chain.repository).built
    assert one(chain.repository, "SELECT count(*) FROM refs") == ((9,),)


def test_what_cannot_be_read_is_a_gap(chain: Any) -> None:
    junk = b"PAR1 this is no Parquet file PAR1"
    made = chain.dataset(
        "odd",
        "datasets/acme/odd",
        {"o.txt": b"o\n"},
        blobs=[junk],
        attachments=[Attachment("decisions", Digest.of(junk), len(junk))],
    )
    with open_transaction(chain.repository) as tx:
        identity = tx.log_credential(b"not JSON at all")
        tx.commit()
    gaps = one(chain.repository, "SELECT id, what FROM gaps ORDER BY what")
    assert gaps == ((str(identity), "credential"), (str(made.id), "decisions"))
    reasons = one(chain.repository, "SELECT reason FROM gaps")
    assert all(reason and reason.isprintable() for (reason,) in reasons)


def test_a_manifest_without_effect_is_shown_as_such(
    chain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = chain.made["raw"]
    with (
        monkeypatch.context() as patched,
        open_transaction(chain.repository) as tx,
    ):
        patched.setattr(Appender, "_check_refs", lambda *_: None)
        forged = sign_manifest(
            kind="dataset",
            store=chain.repository.store_id,
            name=original.name,
            body=original.body,
            signer=signer_for("mallory"),
            created=chain.clock(),
            parents=[original.id],
            tree=original.tree,
            files=original.files,
        )
        tx.log_manifest(forged)
        tx.commit()
    sql = "SELECT flagged, author FROM log WHERE id = ?"
    assert one(chain.repository, sql, str(forged.id)) == (("unauthorised", forged.author),)
    sql = "SELECT id, version, is_current FROM datasets WHERE name = ? ORDER BY log_index"
    assert one(chain.repository, sql, original.name) == (
        (str(original.id), 1, True),
        (str(forged.id), None, False),
    )


def test_a_read_only_store_says_so(chain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StorageError) as caught:
        ensure_index(chain.repository)
    assert caught.value.kind == "read-only"


def test_an_unusable_place_says_so(chain: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError):
        ensure_index(chain.repository, tmp_path / "file" / "index.duckdb")


def test_a_failed_build_leaves_the_old_one(chain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_index(chain.repository)
    path = index_path(chain.repository)
    before = path.read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(build, "collect", full)
    with pytest.raises(StorageError) as caught:
        ensure_index(chain.repository, rebuild=True)
    assert caught.value.kind == "disk-full"
    assert path.read_bytes() == before
    assert [e.name for e in path.parent.iterdir() if e.name.endswith((".new", ".wal"))] == []


def test_text_in_the_store_is_no_sql(chain: Any) -> None:
    nasty = "'; DROP TABLE facts.log; --"
    chain.dataset("nasty", "datasets/acme/nasty", {"n.txt": b"n\n"}, message=nasty)
    assert one(chain.repository, "SELECT message FROM manifests WHERE message <> ''") == ((nasty,),)
    with pytest.raises(InvalidInputError):
        ask(chain.repository, nasty)


def test_a_cache_behind_a_link_is_not_written(full_chain: Any, tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    cache = index_path(full_chain.repository).parent
    aside = cache.rename(cache.with_name("aside")) if cache.exists() else None
    cache.symlink_to(tmp_path / "victim")
    try:
        with pytest.raises(StorageError) as caught:
            ensure_index(full_chain.repository, rebuild=True)
        assert caught.value.kind == "linked-folder"
        assert list((tmp_path / "victim").iterdir()) == []
    finally:
        cache.unlink()
        if aside:
            aside.rename(cache)


def test_a_large_decision_table_is_not_copied_and_a_gap_says_so(
    chain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "MAX_DECISIONS", 4)
    assert one(chain.repository, "SELECT count(*) FROM decisions") == ((0,),)
    train = chain.made["train"]
    ((what, reason),) = one(
        chain.repository, "SELECT what, reason FROM gaps WHERE id = ?", str(train.id)
    )
    assert what == "decisions"
    assert f"--records {train.id.hex[:12]}" in reason
