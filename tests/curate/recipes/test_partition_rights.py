"""Terms, runs and verification agree on the partitions that filtered rows hold (spec 19.3)."""

import json
from datetime import timedelta
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, PolicyError
from lyrikstore.credentials.terms.model import Partition, Selector, Terms, Use
from lyrikstore.credentials.terms.partitioning import assign
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.curate.terms.combined import mix
from lyrikstore.curate.terms.sources import Asker, sources_of_datasets
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Manifest, sign_manifest
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.rights.recorded import check_rights as rights_of_runs
from lyrikstore.verify.rights.required import check_rights
from tests.credentialed import log_credential
from tests.curate.conftest import NOW
from tests.lineages import lineage_of
from tests.verify.rights.test_suspect_rights import run_by

OWNER = signer_for("owner")
TRUST = Trust((TrustedIssuer(did=OWNER.did, nickname="me"),))
USE = Use(("train",), NOW)
OPEN, CLOSED = "licence=MIT/part-00000.jsonl", "licence=NDA/part-00000.jsonl"
TERMS = Terms(
    (
        Partition("open", ("train",), select=(Selector(path="licence=MIT"),)),
        Partition("closed", ("evaluate",), ("train",), select=(Selector(path="licence=NDA"),)),
    )
)


def lines(licence: str) -> str:
    rows = [{"text": f"{n} of {licence}", "licence": licence} for n in range(4)]
    return "".join(json.dumps(row) + "\n" for row in [*rows, {"text": " ", "licence": licence}])


@pytest.fixture
def source(bench: Any) -> Manifest:
    bench.write({OPEN: lines("MIT"), CLOSED: lines("NDA")})
    bench.commit()
    manifest = bench.repo.resolve("acme/docs")
    permit(bench, manifest)
    return manifest


def permit(bench: Any, manifest: Manifest) -> None:
    valid = (NOW, NOW + timedelta(9))
    bench.credential = log_credential(
        bench.repo, manifest, OWNER, TERMS, valid, partition_records=[5, 5]
    )


def recipe(*steps: str) -> str:
    return "recipe = 1\n" + "".join(f"[[step]]\n{step}\n" for step in steps)


DROP = 'use = "drop-empty/1"'
MIT = 'use = "allow/1"\ncolumn = "licence"\nvalues = ["MIT"]'
CHANGE = 'use = "redact/1"'


def answers(bench: Any, made: Manifest, source: Manifest) -> tuple[bool, bool, str]:
    """Return what a run before it begins, `terms`, and the verifier of a run say to training."""
    begins = True
    try:
        check_rights(bench.repo, [made], USE, trust=TRUST)
    except PolicyError:
        begins = False
    said = mix(sources_of_datasets(bench.repo, [made], Asker(TRUST, NOW)), USE).ruling[0]
    run = run_by(bench.repo, made, bench.credential, OWNER.did, OWNER, NOW)
    right = run.body["rights"][0] | {"dataset": str(source.id)}
    run = sign_manifest(
        kind="run",
        store=run.store,
        name=run.name,
        body=run.body | {"rights": [right]},
        inputs=run.inputs,
        signer=OWNER,
        created=NOW,
    )
    with open_transaction(bench.repo) as transaction:
        transaction.log_manifest(run)
        transaction.commit()
    ancestry = lineage_of(source, made, run)
    found = rights_of_runs(bench.repo, ancestry, trust=TRUST, at=NOW)
    return begins, said == "permitted", found.state.value


@pytest.mark.parametrize(
    ("steps", "permitted"),
    [
        ((DROP, MIT), True),
        ((MIT,), True),
        ((DROP,), False),
        ((MIT, CHANGE), True),  # it changes no row
        ((MIT, 'use = "partition/1"\nfield = "text"'), True),
    ],
)
def test_what_is_dropped_is_not_used(
    bench: Any, source: Manifest, steps: tuple[str, ...], permitted: bool
) -> None:
    made = bench.filter(recipe(*steps)).manifests[""]
    expected = (True, True, "pass") if permitted else (False, False, "fail")
    assert answers(bench, made, source) == expected


def test_a_row_that_changed_may_be_of_any_file(bench: Any, source: Manifest) -> None:
    bench.write({OPEN: lines("MIT").replace("0 of", "jo@example.org of")})
    bench.commit()
    again = bench.repo.resolve("acme/docs")
    permit(bench, again)
    made = bench.filter(recipe(MIT, CHANGE)).manifests[""]
    assert answers(bench, made, again) == (False, False, "fail")


def test_each_part_of_a_split_has_the_folders_of_the_partition(bench: Any) -> None:
    rows = [
        {"text": str(n), "licence": licence, "part": part}
        for n in range(4)
        for licence in ("MIT", "NDA")
        for part in ("train", "test")
    ]
    bench.write({"a.jsonl": "".join(json.dumps(row) + "\n" for row in rows)})
    bench.commit()
    split = 'use = "split/2"\ncolumn = "part"\ntrain = ["train"]\ntest = ["test"]'
    parts = bench.filter(recipe('use = "partition/1"', split)).manifests
    assert set(parts) == {"train", "test"}
    for manifest in parts.values():
        tree = bench.repo.tree(manifest)
        assert tree.paths == (OPEN, CLOSED)
        assert list(assign(tree, TERMS.partitions)) == [0, 1]


def test_data_that_is_gone_makes_no_use_wrong(
    bench: Any, source: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bench.filter(recipe(DROP, MIT)).manifests[""]
    gone = {entry.blake3 for entry in bench.repo.tree(source).entries}
    opens = type(bench.repo.blobs).open

    def without(blobs: Any, digest: Digest, *more: Any) -> Any:
        if digest in gone:
            raise IncompleteError("retired", "the data was retired")
        return opens(blobs, digest, *more)

    monkeypatch.setattr(type(bench.repo.blobs), "open", without)
    assert answers(bench, made, source) == (False, False, "unchecked")
    (used,) = sources_of_datasets(bench.repo, [made], Asker(TRUST, NOW))
    assert "retired" in used.note
    assert used.used == ("open", "closed")
