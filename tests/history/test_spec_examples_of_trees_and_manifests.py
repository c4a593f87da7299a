"""The examples printed in chapters 5, 6 and 9 are what the code gives."""

from pathlib import Path

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.limits import MAX_INPUTS
from lyrikstore.canon.schemas import load_schema
from lyrikstore.history.manifests.kinds import KINDS
from lyrikstore.history.manifests.manifest import parse_manifest
from lyrikstore.history.records.order_root import document_id, order_root
from lyrikstore.history.trees.tree import Tree

SPEC = Path(__file__).resolve().parents[2] / "spec"


def blocks(chapter):
    return [part.strip("\n") for part in (SPEC / chapter).read_text("utf-8").split("```")[1::2]]


def test_trees_chapter():
    lines, ids = blocks("05-trees.md")
    tree = Tree.parse(f"{lines}\n".encode())
    assert [str(tree.id), str(tree.files_id)] == ids.split()


def test_manifests_chapter():
    data, digest = blocks("06-manifests.md")
    assert str(parse_manifest(data.encode()).id) == digest


def test_the_table_of_kinds_is_the_codes():
    text = (SPEC / "06-manifests.md").read_text("utf-8").split("## 6.4")[1].split("## 6.5")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    rows = [row for row in rows if row and row[0].startswith("`")]
    assert {row[0].split("`")[1] for row in rows} == set(KINDS)
    numbers = {(1, 1): "exactly 1", (0, 1): "at most 1", (1, 2): "1 or 2"}
    numbers[1, MAX_INPUTS] = "1 or more"
    for row in rows:
        words = row[0].split("`")[1::2]
        kind = KINDS[words[0]]
        assert row[1] == f"`{kind.prefix}`"
        assert (row[2] == "yes") == kind.has_tree
        assert tuple(row[4].split("`")[1::2]) == kind.attachments
        for origin in words[1:] or [None]:
            found = {}
            for part in row[3].split("; "):
                if " → " not in part:
                    continue
                roles, rule = part.split(" → ")
                rule, _, since = rule.removesuffix(")").partition(" (version ")
                target, _, number = rule.partition(", ")
                for role in roles.split("`")[1::2]:
                    found[role] = (target, number, int(since or 1))
            rules = kind.rules({"origin": origin}, kind.newest)
            assert found == {
                role: (
                    rule.kind,
                    numbers.get((rule.least, rule.most), ""),
                    rule.since,
                )
                for role, rule in rules.items()
            }


def test_the_table_of_members_of_version_2_is_that_of_the_schemas():
    text = (SPEC / "06-manifests.md").read_text("utf-8").split("### 6.1.1")[1].split("## 6.2")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    described = {row[0].strip("`"): row[1] for row in rows if row and row[0].startswith("`")}
    assert set(described) == {name for name, kind in KINDS.items() if kind.newest == 2}
    for name, words in described.items():
        old = load_schema(f"kinds/{name}") if KINDS[name].first == 1 else {}
        new = _new_members(old, load_schema(f"kinds-2/{name}"))
        assert new <= set(words.split("`")[1::2]), name


def _new_members(old, new):
    before, after = old.get("properties", {}), new.get("properties", {})
    found = after.keys() - before.keys()
    for name in before:
        found |= _new_members(before[name], after[name])
    return found


def test_records_chapter():
    one, root = blocks("09-records.md")
    records = [document_id(Digest.of(text)) for text in (b"one\n", b"two\n")]
    assert records[0].hex == one
    assert order_root(records, bytes(range(32))).root == root
