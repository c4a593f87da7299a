"""Which partitions a run uses by way of its base, and what earlier versions recorded of them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, PolicyError
from lyrikstore.credentials.terms.model import Partition, Selector, Terms, UsageLimits, Use
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.curate.commit.inputs import CommitMetadata
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Input, Manifest, sign_manifest
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.report import Check
from lyrikstore.verify.rights.recorded import check_rights as rights_of_runs
from lyrikstore.verify.rights.required import Right, check_rights
from tests.credentialed import log_credential
from tests.curate.conftest import NOW, Bench
from tests.lineages import lineage_of
from tests.verify.rights.models import log_model

OWNER = signer_for("owner")
TRUST = Trust((TrustedIssuer(did=OWNER.did, nickname="me"),))
VALID = (NOW, NOW + timedelta(days=9))
WITHIN = "internalOperations"
OPEN = 'recipe = 1\n[[step]]\nuse = "allow/1"\ncolumn = "kind"\nvalues = ["open"]\n'


def commit(bench: Bench, name: str, *paths: str) -> Manifest:
    for path in bench.data.iterdir():
        path.unlink()
    bench.write({path: f"{name} {path}" for path in paths})
    sheet = bench.sheet(
        [["path", "kind"], *([path, path.partition(".")[0]] for path in paths)],
        f"{name.replace('/', '-')}.csv",
    )
    bench.commit(name, stated=CommitMetadata(sheet=sheet))
    return bench.repo.resolve(name)


class Lab:
    """A dataset of which one part may be trained on within limits alone, and runs."""

    def __init__(self, bench: Bench) -> None:
        self.repo = bench.repo
        self.source = commit(bench, "acme/docs", "open.txt", "closed.txt")
        limits = UsageLimits(purposes=(WITHIN,))
        select = (Selector(column="kind", values=("open",)),)
        parts = (
            Partition("open", ("train",), select=select),
            Partition("rest", ("train",), limits=limits),
        )
        log_credential(self.repo, self.source, OWNER, Terms(parts), VALID)
        self.open = bench.filter(OPEN).manifests[""]

    def ask(self, *used: Manifest, purposes: Sequence[str] = ()) -> list[Right]:
        use = Use(("train",), NOW, purposes=tuple(purposes))
        return check_rights(self.repo, used, use, trust=TRUST)

    def run(
        self, name: str, used: Sequence[Manifest], rights: Sequence[Right], purposes: Any = ()
    ) -> Manifest:
        run = sign_manifest(
            kind="run",
            store=self.repo.store_id,
            name=f"runs/acme/{name}",
            body={
                "purpose": "train",
                "config": {"use": {"purposes": list(purposes)}} if purposes else {},
                "seed": 1,
                "order": {"function": "shuffle/1", "records": {"train": 3}},
                "environment": {"python": "3.11", "platform": "x", "packages": {}, "threads": 1},
                "code": {"package": "x", "version": "1", "digest": str(Digest.of(b"code"))},
                "plannedOutputs": [f"checkpoints/acme/{name}"],
                "rights": [one.to_json() for one in rights],
            },
            inputs=[
                Input("base" if one.kind == "checkpoint" else "train", one.kind, one.id)
                for one in used
            ],
            signer=OWNER,
            created=NOW,
        )
        with open_transaction(self.repo) as transaction:
            transaction.log_manifest(run)
            transaction.commit()
        return run

    def model(self, name: str, data: Manifest, purposes: Any = ()) -> tuple[Manifest, Manifest]:
        run = self.run(name, [data], self.ask(data, purposes=purposes), purposes)
        return run, log_model(self.repo, run, data, OWNER, name)

    def verify(self, *known: Manifest) -> Check:
        ancestry = lineage_of(self.source, self.open, *known)
        return rights_of_runs(self.repo, ancestry, trust=TRUST, at=NOW)


def test_partitions_that_the_base_learned_from_are_used_again(bench: Bench) -> None:
    """ATTACK A109: a model of all of a dataset is trained on with its free part alone."""
    lab = Lab(bench)
    first, base = lab.model("first", lab.source, [WITHIN])
    own = lab.ask(lab.open)
    assert own[0].partitions == ("open",)
    with pytest.raises(PolicyError) as caught:
        lab.ask(lab.open, base)
    assert caught.value.details["missing"][0]["code"] == "undeclared"
    (right,) = lab.ask(lab.open, base, purposes=[WITHIN])
    assert right.partitions == ("open", "rest")
    # An earlier version recorded the free part, which is all that the run read itself.
    check = lab.verify(first, base, lab.run("second", [lab.open, base], own))
    assert (check.state, check.detail["reason"]) == ("warn", "base-not-permitted")
    right_run = lab.run("third", [lab.open, base], [right], [WITHIN])
    assert lab.verify(first, base, right_run).state == "pass"


def test_data_that_holds_nothing_of_a_source_uses_no_partition_of_it(bench: Bench) -> None:
    lab = Lab(bench)
    for name in ("acme/one", "acme/two"):
        log_credential(lab.repo, commit(bench, name, "open.txt"), OWNER, ("train",), VALID)
    both = bench.filter(None, "acme/one", "acme/two", to="acme/both").manifests[""]
    _, base = lab.model("first", both)
    rights = {one.name: one.partitions for one in lab.ask(lab.open, base)}
    assert rights == {
        "datasets/acme/docs": ("open",),
        "datasets/acme/one": (),
        "datasets/acme/two": (),
    }


def test_base_data_that_was_let_go_counts_with_all_its_partitions(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = Lab(bench)
    first, base = lab.model("first", lab.open)
    other = commit(bench, "acme/other", "open.txt")
    log_credential(lab.repo, other, OWNER, ("train",), VALID)
    rights = lab.ask(other, base)
    second = lab.run("second", [other, base], rights)
    assert lab.verify(first, base, other, second).state == "pass"
    reads = type(lab.repo).tree

    def tree(repository: Any, manifest: Manifest) -> Any:
        if manifest.id in {lab.source.id, lab.open.id}:
            raise IncompleteError("retired", "the data was retired")
        return reads(repository, manifest)

    monkeypatch.setattr(type(lab.repo), "tree", tree)
    with pytest.raises(PolicyError) as caught:
        lab.ask(other, base)
    assert caught.value.details["missing"][0]["code"] == "absent"
    check = lab.verify(first, base, other, second)
    assert (check.state, check.detail["reason"]) == ("unchecked", "absent")
    # All of it may be used so: then it does not matter which.
    assert lab.ask(other, base, purposes=[WITHIN])


def test_a_right_to_compare_is_not_taken_for_one_to_train(bench: Bench) -> None:
    """A run may compare its data with what its base learned from, and record the right to that."""
    lab = Lab(bench)
    tests = commit(bench, "acme/test", "closed.txt")
    log_credential(lab.repo, tests, OWNER, ("train",), VALID)
    first, base = lab.model("first", tests)
    log_credential(lab.repo, tests, OWNER, ("evaluate",), VALID)
    recipe = 'recipe = 1\n[[step]]\nuse = "decontaminate/1"\nagainst = "acme/test"\n'
    clean = bench.filter(recipe, "acme/clean", to="acme/cleaner").manifests[""]
    rights = lab.ask(clean)
    second = lab.run("second", [clean, base], rights)
    check = lab.verify(first, base, tests, clean, second)
    assert (check.state, check.detail["reason"]) == ("warn", "base-not-recorded")
    third = lab.run("third", [clean, base], lab.ask(clean, base))
    assert lab.verify(first, base, tests, clean, third).state == "pass"
