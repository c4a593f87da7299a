"""What is attached to a retired version goes with it; what still holds the same is named."""

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.gc.gc import check_collected
from lyrikstore.history.gc.retention import Retirement, plan_retirement
from lyrikstore.history.gc.still_held import still_held
from lyrikstore.history.manifests.manifest import Attachment, Input, sign_manifest
from lyrikstore.history.manifests.names import Name
from lyrikstore.history.repository.retired import (
    present_attachments,
    present_tree,
    retirements,
)
from lyrikstore.history.sync.pull import clone
from lyrikstore.verify.store.store import verify_store
from make_manifests import EXAMPLES
from manifests_of_version_2 import EXAMPLES_2
from tests.contexts import context_of
from tests.history.conftest import NOW, OWNER
from tests.history.gc.test_purge import NAME, gc, in_packs

CLEAN = "datasets/acme/clean"
ROLES = ("decisions", "ignored", "orphans", "skipped", "licence-text")


def attach(shelf, number):
    """Return attachments of each role, whose bytes the store has."""
    blobs = {role: f"{role} of anna@firm.example, {number}".encode() for role in ROLES}
    return blobs, [Attachment(role, Digest.of(data), len(data)) for role, data in blobs.items()]


def derived(shelf, source, number, name=CLEAN, *, records=1):
    """Commit a version that was made from another, with attachments."""
    blobs, attachments = attach(shelf, number)
    body = shelf.dataset_body(origin="filtered", records=records, skipped=1)
    with open_transaction(shelf.repo) as tx:
        made_by = sign_manifest(
            kind="filter", store=shelf.repo.store_id, name=f"filters/acme/clean-{number}",
            body=shelf.filter_body(), signer=OWNER, created=NOW, message=str(number),
        )  # fmt: skip
        state = shelf.repo.refs.get(name)
        version = shelf.manifest(
            tx, name, {"a.txt": b"%d" % number}, body=body, attachments=attachments,
            parents=(state.id,) if state else (),
            inputs=(Input("source", "dataset", source.id), Input("filter", "filter", made_by.id)),
        )  # fmt: skip
        for data in blobs.values():
            tx.writer.put_bytes(data)
        tx.log_manifest(made_by)
        tx.log_manifest(version)
        tx.commit()
    return version


def salted(shelf, dataset):
    """Commit the salts of the records of a dataset."""
    data = dataset.id.raw[:16]
    name = "records/acme/clean"
    state = shelf.repo.refs.get(name)
    with open_transaction(shelf.repo) as tx:
        tx.writer.put_bytes(data)
        root = {"type": "order", "root": dataset.id.hex, "count": 1}
        made = sign_manifest(
            kind="records", store=shelf.repo.store_id, name=name, signer=OWNER, created=NOW,
            body={"reader": "document/1", "roots": [root]},
            inputs=(Input("dataset", "dataset", dataset.id),),
            parents=(state.id,) if state else (),
            attachments=[Attachment("salts", Digest.of(data), len(data))],
        )  # fmt: skip
        tx.log_manifest(made)
        tx.commit()
    return made


def left(shelf, *manifests):
    """Return the roles of attachments that packs still hold."""
    found = in_packs(shelf.repo)
    return [one.role for each in manifests for one in each.attachments if one.id.raw in found]


def states(shelf):
    report = verify_store(context_of(shelf.again(), trust=Trust(()), clock=lambda: NOW))
    return {one.id: str(one.state) for one in report.checks}


def test_attachments_and_salts_go_and_are_called_retired(shelf, tmp_path):
    source = shelf.commit(content={"a.txt": b"source"})
    old, new = (derived(shelf, source, number) for number in range(2))
    salts = salted(shelf, old)
    kept = salted(shelf, new)
    found = gc(shelf, keep=(CLEAN, 1), purge=True)
    check_collected(shelf.repo)
    assert found.retention.body == {"of": CLEAN, "keep": 1, "attachments": True}
    assert left(shelf, old, salts) == ["licence-text"]  # rights of what was made of it rest on it
    assert left(shelf, new, kept) == [*ROLES, "salts"]
    assert found.purged.attached == 0
    copy, _ = clone(shelf.repo.backend, "home", tmp_path / "copy", memory=shelf.memory)
    assert in_packs(copy) == in_packs(shelf.repo)
    made = states(shelf)
    assert (made["manifests"], made["blobs"]) == ("warn", "pass")
    assert "fail" not in made.values()
    for manifest, role in ((old, "decisions"), (salts, "salts")):
        with pytest.raises(IncompleteError) as caught:
            present_attachments(shelf.repo, manifest, role)
        assert caught.value.kind == "retired"
    assert plan_retirement(shelf.repo, CLEAN, 1).versions == ()


def test_what_was_retired_before_attachments_went_is_retired_again(shelf):
    source = shelf.commit(content={"a.txt": b"source"})
    old, _ = (derived(shelf, source, number) for number in range(2))
    with open_transaction(shelf.repo) as tx:
        tx.log_manifest(sign_manifest(
            kind="retention", store=shelf.repo.store_id, name="retentions/acme/clean",
            body={"of": CLEAN, "keep": 1}, inputs=(Input("dataset", "dataset", old.id),),
            signer=OWNER, created=NOW,
        ))  # fmt: skip
        tx.commit()
    # What was promised when it was signed holds: files go, attachments stay.
    found = gc(shelf, purge=True)
    check_collected(shelf.repo)
    assert (found.purged.retired, found.purged.attached) == (1, 1)
    assert left(shelf, old) == [*ROLES]
    assert old.id not in retirements(shelf.repo).whole
    assert plan_retirement(shelf.repo, CLEAN, 1) == Retirement(Name.parse(CLEAN), 1, (old,))
    found = gc(shelf, keep=(CLEAN, 1), purge=True)
    assert (found.purged.retired, found.purged.attached) == (1, 0)
    assert left(shelf, old) == ["licence-text"]


@pytest.mark.parametrize("dry_run", [True, False])
def test_versions_that_still_hold_the_same_are_named(shelf, dry_run):
    first = shelf.commit(content={"a.txt": b"address", "b.txt": b"", "c.txt": b"more"})
    through = derived(shelf, first, 0)
    last = derived(shelf, through, 2, "datasets/acme/last")
    empty = derived(shelf, first, 1, records=0)
    derived(shelf, empty, 3, "datasets/acme/none")
    copy = shelf.commit("datasets/acme/copy", {"x.txt": b"address"})
    shelf.commit("datasets/acme/other", {"y.txt": b"", "z.txt": b"else"})
    shelf.commit(content={"a.txt": b"later"})
    found = gc(shelf, keep=(NAME, 1), purge=True, dry_run=dry_run)
    held = [(one.version.id, one.by) for one in found.held]
    assert held == [(through.id, "lineage"), (last.id, "lineage"), (copy.id, "files")]
    assert found.to_json()["stillHeldBy"][2] == {
        "id": str(copy.id), "name": copy.name, "kind": "dataset", "by": "files",
    }  # fmt: skip
    if not dry_run:
        # Later purges go on saying so, and name no version that was retired since.
        gc(shelf, keep=(CLEAN, 1))
        assert [one.version.id for one in gc(shelf, purge=True).held] == [last.id, copy.id]
        assert gc(shelf).held == ()


def deployed(shelf, number, card, *more):
    """Commit a deployment of a card and of what that is about, whose README is the card."""
    run, checkpoint = card.inputs_in("run")[0], card.inputs_in("checkpoint")[0]
    texts = {"report": b"report %d" % number, "oms": b"signed %d" % number}
    readme = {"README.md": b"card %d" % number, "probe.jsonl": b"text %d" % number}
    name = "deployments/acme/model.onnx"
    with open_transaction(shelf.repo) as tx:
        made = shelf.manifest(
            tx, name, readme, kind="deployment", body=EXAMPLES_2["deployment"]["body"],
            inputs=(run, checkpoint, Input("card", "card", card.id), *more),
            parents=(shelf.repo.refs[name].id,) if number else (),
            attachments=[
                Attachment(role, tx.writer.put_bytes(data), len(data))
                for role, data in texts.items()
            ],
        )  # fmt: skip
        tx.log_manifest(made)
        tx.commit()
    return made


def test_what_was_deployed_of_a_retired_version_goes_with_it(shelf):
    """The README of a folder is the card; nobody thinks of it who retires the card."""
    train = shelf.commit()
    with open_transaction(shelf.repo) as tx:
        common = {"store": shelf.repo.store_id, "signer": OWNER, "created": NOW}
        run = sign_manifest(
            kind="run", **common, name="runs/acme/model", body=EXAMPLES["run"]["body"],
            inputs=(Input("train", "dataset", train.id),),
        )  # fmt: skip
        model = shelf.manifest(
            tx, "checkpoints/acme/model", {"m": b"weights"}, kind="checkpoint",
            body={"origin": "imported", "format": "transformers/1"},
        )  # fmt: skip
        cards = []
        for number in range(2):
            text = b"card %d" % number
            cards.append(sign_manifest(
                kind="card", **common, name="cards/acme/model", body=EXAMPLES_2["card"]["body"],
                parents=[one.id for one in cards[-1:]],
                inputs=(Input("checkpoint", "checkpoint", model.id), Input("run", "run", run.id)),
                attachments=[Attachment("card", tx.writer.put_bytes(text), len(text))],
            ))  # fmt: skip
        base = shelf.manifest(
            tx, "checkpoints/beta/base", {"b": b"base"}, kind="checkpoint",
            body={"origin": "imported", "format": "transformers/1"},
        )  # fmt: skip
        evaluation = sign_manifest(
            kind="evaluation", **common, name="evaluations/acme/model",
            body=EXAMPLES["evaluation"]["body"],
            inputs=(
                Input("checkpoint", "checkpoint", model.id), Input("test", "dataset", train.id),
            ),
        )  # fmt: skip
        for one in (run, model, base, evaluation, *cards):
            tx.log_manifest(one)
        tx.commit()
    others = (
        Input("base", "checkpoint", base.id), Input("evaluation", "evaluation", evaluation.id),
    )  # fmt: skip
    old, new = (deployed(shelf, number, card, *others) for number, card in enumerate(cards))
    for one in (base, evaluation, run):
        # ATTACK: who may retire what many deployments rest on takes the files of others'.
        found = retirements(shelf.repo, [one.id])
        assert found.versions == {one.id}
        held = still_held(shelf.repo, found, [one.id])
        assert [held.version.id for held in held] == [old.id, new.id] * (one is evaluation)
    assert retirements(shelf.repo, [model.id]).whole == {model.id, old.id, new.id}
    found = gc(shelf, keep=("cards/acme/model", 1), purge=True)
    check_collected(shelf.repo)
    assert found.to_json()["retiredAlong"] == [{"id": str(old.id), "name": old.name}]
    assert left(shelf, old, new) == ["report", "oms"]
    held = in_packs(shelf.repo)
    for number, is_there in ((0, False), (1, True)):
        for text in (b"card %d" % number, b"text %d" % number):
            assert (Digest.of(text).raw in held) == is_there
    made = states(shelf)
    assert (made["manifests"], made["blobs"]) == ("warn", "pass")
    with pytest.raises(IncompleteError) as caught:
        present_tree(shelf.repo, old)
    assert caught.value.kind == "retired"
    assert "retentions/acme/model " in caught.value.hint  # of the card, not of its own name
    present_tree(shelf.repo, new)
    assert plan_retirement(shelf.repo, new.name, 1).versions == ()


def test_what_was_said_of_validation_data_is_named_and_goes_with_its_checkpoint(shelf):
    first = shelf.commit(content={"a.txt": b"to be forgotten"})
    run = run_on(shelf, first)
    model, later = (validated(shelf, run, first, number) for number in range(2))
    shelf.commit(content={"a.txt": b"later"})
    found = gc(shelf, keep=(NAME, 1))
    assert [(one.version.id, one.by) for one in found.held] == [
        (model.id, "lineage"), (later.id, "lineage"),
    ]  # fmt: skip
    gc(shelf, keep=(model.name, 1), purge=True)
    assert left(shelf, model, later) == ["validation"]
    with pytest.raises(IncompleteError) as caught:
        present_attachments(shelf.repo, model, "validation")
    assert caught.value.kind == "retired"


def run_on(shelf, dataset):
    """Announce a run that trains and validates on a dataset."""
    body = {
        "purpose": "train", "config": {}, "seed": 0, "plannedOutputs": ["checkpoints/acme/model"],
        "order": {"function": "x", "records": {"train": 1, "validation": 1}}, "rights": [],
        "environment": {"python": "3", "platform": "x", "packages": {}, "threads": 1},
        "code": {"package": "x", "version": "1", "digest": str(Digest.of(b"code"))},
    }  # fmt: skip
    with open_transaction(shelf.repo) as tx:
        made = sign_manifest(
            kind="run", store=shelf.repo.store_id, name="runs/acme/model", body=body,
            inputs=learned_from(dataset), signer=OWNER, created=NOW,
        )  # fmt: skip
        tx.log_manifest(made)
        tx.commit()
    return made


def learned_from(dataset):
    return tuple(Input(role, "dataset", dataset.id) for role in ("train", "validation"))


def validated(shelf, run, dataset, number):
    """Log a checkpoint that keeps what was said of its validation data."""
    data, name = b"scores %d" % number, "checkpoints/acme/model"
    state = shelf.repo.refs.get(name)
    with open_transaction(shelf.repo) as tx:
        made = shelf.manifest(
            tx, name, {"w": b"%d" % number}, kind="checkpoint",
            body={"origin": "trained", "format": "files/1",
                  "validation": {"format": "validation/1", "count": 1}},
            inputs=(Input("run", "run", run.id), *learned_from(dataset)),
            attachments=[Attachment("validation", tx.writer.put_bytes(data), len(data))],
            parents=(state.id,) if state else (),
        )  # fmt: skip
        tx.log_manifest(made)
        tx.commit()
    return made
