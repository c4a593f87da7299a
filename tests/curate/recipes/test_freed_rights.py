"""A union that holds no record of a source needs no right to it: asked, recorded, verified."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lyrikstore.canon.errors import PolicyError
from lyrikstore.credentials.terms.model import Partition, Terms, Use
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.curate.terms.combined import mix
from lyrikstore.curate.terms.sources import Asker, sources_of_datasets
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Input, Manifest, sign_manifest
from lyrikstore.index.impact import impact_of
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.report import Check, CheckState
from lyrikstore.verify.rights.freed import Held
from lyrikstore.verify.rights.recorded import check_rights as check_recorded
from lyrikstore.verify.rights.required import Rights, check_rights
from tests.credentialed import log_credential
from tests.lineages import lineage_of

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
OWNER = signer_for("owner")
TRUST = Trust((TrustedIssuer(did=OWNER.did, nickname="me"),))
OWN = 'recipe = 1\n[[step]]\nuse = "where/1"\nsql = "side = \'own\'"\n'
CHANGED = (
    'recipe = 1\n[[step]]\nuse = "map/1"\nvalues.side = { "bought" = "own" }\n'
    '[[step]]\nuse = "where/1"\nsql = "side = \'own\'"\n'
)
NO = Terms((Partition("all", ("evaluate",), ("train",)),))


class Desk:
    """A store with rows that may not be trained on, and rows that may."""

    def __init__(self, bench: Any) -> None:
        self.bench, self.repo = bench, bench.repo
        self.bought, self.own = self.rows("bought"), self.rows("own")
        for source, terms in ((self.bought, NO), (self.own, ("train", "evaluate"))):
            log_credential(self.repo, source, OWNER, terms, (AT, AT + timedelta(days=9)))

    def rows(self, side: str) -> Manifest:
        for path in self.bench.data.iterdir():
            path.unlink()
        lines = (json.dumps({"text": f"clause {n} of {side}", "side": side}) for n in range(5))
        self.bench.write({"a.jsonl": "".join(f"{line}\n" for line in lines)})
        self.bench.commit(f"acme/{side}")
        return self.repo.resolve(f"acme/{side}")

    def union(self, recipe: str | None, to: str = "acme/mix") -> Manifest:
        result = self.bench.filter(recipe, "acme/bought", "acme/own", to=to)
        found: Manifest = result.manifests[""]
        return found

    def ask(self, dataset: Manifest) -> Rights:
        return check_rights(self.repo, [dataset], Use(("train",), AT), trust=TRUST)

    def run(self, dataset: Manifest, **grounds: Any) -> Manifest:
        """Log a run on a dataset that records these members, whether they are so or not."""
        made = sign_manifest(
            kind="run",
            store=self.repo.store_id,
            name=f"runs/acme/r{len(self.repo.entries())}",
            body={
                "purpose": "train",
                "config": {},
                "seed": 1,
                "order": {"function": "shuffle/1", "records": {"train": 5}},
                "environment": {"python": "3.11", "platform": "x", "packages": {}, "threads": 1},
                "code": {"package": "x", "version": "1", "digest": str(dataset.id)},
                "plannedOutputs": ["checkpoints/acme/classifier"],
                **grounds,
            },
            inputs=[Input("train", "dataset", dataset.id)],
            signer=OWNER,
            created=AT,
        )
        with open_transaction(self.repo) as transaction:
            transaction.log_manifest(made)
            transaction.commit()
        return made

    def verify(self, *made: Manifest) -> Check:
        known = [*made, self.bought, self.own]
        pending = list(made)
        for one in pending:
            for item in one.inputs:
                if item.kind == "dataset":
                    pending.append(self.repo.manifest(item.id))
                    known.append(pending[-1])
        return check_recorded(self.repo, lineage_of(*known), trust=TRUST, at=AT + timedelta(days=1))

    def lose(self, dataset: Manifest) -> None:
        """Let the data of a dataset be away, as in a clone that fetched only some."""
        lost = {entry.blake3 for entry in self.repo.tree(dataset).entries}
        blobs = self.repo.blobs
        opened = blobs.open

        def open_some(identity: Any) -> Any:
            if identity in lost:
                return opened(type(identity).of(b"no such blob"))
            return opened(identity)

        blobs.open = open_some


@pytest.fixture
def desk(bench: Any) -> Desk:
    return Desk(bench)


def test_a_source_of_which_no_record_is_left_needs_no_right(desk: Desk) -> None:
    with pytest.raises(PolicyError) as caught:
        desk.ask(desk.union(None, "acme/both"))
    (missing,) = caught.value.details["missing"]
    assert (missing["name"], missing["holds"]) == ("datasets/acme/bought", "some")
    kept = desk.union(OWN)
    rights = desk.ask(kept)
    assert [right.dataset for right in rights] == [desk.own.id]
    body = rights.to_body()
    assert body["without"] == [{"dataset": str(desk.bought.id), "ground": "no-record"}]
    run = desk.run(kept, **body)
    assert json.loads(run.encode())["lyrikstore"] == 2
    check = desk.verify(run)
    assert check.state is CheckState.PASS, check
    assert check.detail["without"] == ["datasets/acme/bought"]


def test_a_changed_record_frees_nothing(desk: Desk) -> None:
    """ATTACK: every record of the source is changed by one byte."""
    with pytest.raises(PolicyError) as caught:
        desk.ask(desk.union(CHANGED))
    assert caught.value.details["missing"][0]["holds"] == "some"


@pytest.mark.parametrize("recipe", [None, CHANGED], ids=["kept", "changed"])
def test_a_false_claim_to_be_without_is_found(desk: Desk, recipe: str | None) -> None:
    """ATTACK: whoever signs runs says that no record of the source was used."""
    body = desk.ask(desk.union(OWN, "acme/honest")).to_body()
    check = desk.verify(desk.run(desk.union(recipe), **body))
    assert (check.state, check.detail["reason"]) in [
        (CheckState.FAIL, "none-recorded"),
        (CheckState.FAIL, "not-freed"),
    ]
    assert any("without" in one for one in check.detail["problems"])


def test_a_claim_about_what_is_no_source_is_found(desk: Desk) -> None:
    body = desk.ask(desk.own).to_body()
    claim = [{"dataset": str(desk.bought.id), "ground": "no-record"}]
    check = desk.verify(desk.run(desk.own, **body, without=claim))
    assert (check.state, check.detail["reason"]) == (CheckState.FAIL, "not-freed")


def test_what_was_not_said_to_be_without_needs_a_right(desk: Desk) -> None:
    kept = desk.union(OWN)
    body = desk.ask(kept).to_body()
    del body["without"]
    check = desk.verify(desk.run(kept, **body))
    assert (check.state, check.detail["reason"]) == (CheckState.FAIL, "none-recorded")


def test_without_the_data_the_terms_stay(desk: Desk) -> None:
    kept = desk.union(OWN)
    run = desk.run(kept, **desk.ask(kept).to_body())
    desk.lose(desk.bought)
    with pytest.raises(PolicyError) as caught:
        desk.ask(kept)
    assert "may be without datasets/acme/bought: not checked" in caught.value.message
    assert caught.value.details["missing"][0]["holds"] == "not-checked"
    check = desk.verify(run)
    assert (check.state, check.detail["reason"]) == (CheckState.UNCHECKED, "absent")
    asker = Asker(TRUST, AT)
    found = {one.name: one for one in sources_of_datasets(desk.repo, [kept], asker)}
    assert "not checked" in found["datasets/acme/bought"].note
    assert mix([*found.values()]).answers["train"][0] == "prohibited"


def test_terms_leave_it_out_and_name_it(desk: Desk) -> None:
    kept, both, asker = desk.union(OWN), desk.union(None, "acme/both"), Asker(TRUST, AT)
    found = mix(sources_of_datasets(desk.repo, [kept], asker))
    assert [one.name for one in found.sources] == ["datasets/acme/own"]
    assert found.to_json()["freed"] == [{"name": "datasets/acme/bought", "id": str(desk.bought.id)}]
    assert found.answers["train"][0] == "permitted"
    for used in ([both], [kept, both], [kept, desk.bought]):
        found = mix(sources_of_datasets(desk.repo, used, asker))
        assert (found.freed, found.answers["train"][0]) == ((), "prohibited")


def test_impact_marks_it_and_hides_nothing(desk: Desk) -> None:
    kept, both = desk.union(OWN), desk.union(None, "acme/both")
    body = desk.ask(kept).to_body()
    runs = desk.run(kept, **body), desk.run(both, **body)

    def holds(root: Manifest, *, read: bool = True) -> dict[Any, Any]:
        return {one.id: one.holds for one in impact_of(desk.repo, [root.id], read=read).affected}

    free = {kept.id: Held.NONE, runs[0].id: Held.NONE}
    held = {both.id: Held.SOME, runs[1].id: Held.SOME}
    assert holds(desk.bought) == free | held
    assert set(holds(desk.own).values()) == {Held.SOME}
    assert set(holds(desk.bought, read=False).values()) == {Held.NOT_CHECKED}
    made = impact_of(desk.repo, [kept.inputs_in("filter")[0].id], read=True)
    assert {one.holds for one in made.affected} == {None}
    assert len(made.affected) == 2
