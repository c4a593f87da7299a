"""What a credential says of licences: of how many records none is stated, and with which texts."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import parse
from lyrikstore.credentials.terms.model import Partition, Selector, Terms
from lyrikstore.curate.commit.inputs import CommitMetadata
from lyrikstore.curate.terms.holder import other_holder_of
from lyrikstore.curate.terms.offer import Offer
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.issue import publisher_evidence as carried
from lyrikstore.publish.issue.dataset import permit_dataset
from lyrikstore.publish.issue.delivery import issue_delivery
from lyrikstore.publish.issue.licence_texts import licence_texts
from tests import kinds
from tests.curate.conftest import Bench, bench
from tests.curate.grants.granting import AT
from tests.publish.cards.buying import PUBLISHER, bought

__all__ = ["bench"]
SHEET = [["path", "licence"], ["0.txt", "MIT"], ["1.txt", "MIT"], ["2.txt", ""]]
OPEN = Partition(
    "open", ("train",), select=(Selector(column="licence", values=("MIT",)),), licence="MIT"
)
REST = Partition("rest", licence="NONE")


def commit(bench: Bench, name: str, sheet: bool = False, **stated: Any) -> Any:
    for path in bench.data.iterdir():
        path.unlink()
    bench.write({f"{n}.txt": f"{name} {n}" for n in range(3)})
    given = CommitMetadata(sheet=bench.sheet(SHEET) if sheet else None, **stated)
    return bench.commit(name, stated=given).current


def permit(bench: Bench, manifest: Any, offer: Offer | None = None) -> dict[str, Any]:
    result = permit_dataset(bench.context, manifest, offer=offer or Offer.of_words(("train",)))
    subject: Any = parse(result.credential)["credentialSubject"]
    return {**subject, "result": result}


def texts(subject: dict[str, Any]) -> list[str | None]:
    return [one.get("name") for one in subject["licence"].get("texts", ())]


def test_a_credential_measures_how_much_states_none(bench: Bench) -> None:
    said = permit(bench, commit(bench, "acme/docs", sheet=True))
    assert "spdxExpression" not in said["licence"]
    (claim,) = [one for one in said["quality"] if one["metric"] == "missingMetadataRate"]
    assert (claim["value"], claim["basis"]) == ("0.333333", "measured")
    assert claim["recipe"]["parameters"] == {"column": "licence"}
    assert said["result"].licences.unstated == 1


def test_rows_are_counted_with_their_empty_strings(bench: Bench) -> None:
    bench.write(
        {"r.jsonl": '{"text":"a","licence":"MIT"}\n{"text":"b","licence":""}\n{"text":"c"}\n'}
    )
    said = permit(bench, bench.commit("acme/rows").current)
    (claim,) = [one for one in said["quality"] if one["metric"] == "missingFieldRate"]
    assert claim["value"] == "0.666667"
    assert said["result"].licences.unstated == 2


def test_a_partition_can_state_none(bench: Bench, tmp_path: Path) -> None:
    offer = Offer(Terms((OPEN, REST)))
    docs = commit(bench, "acme/docs", sheet=True)
    result = issue_delivery(bench.context, docs, tmp_path / "out", offer=offer)
    stated = parse(result.credential)["credentialSubject"]["licence"]["partitions"]
    assert [(one["spdxExpression"], one["fileCount"]) for one in stated] == [
        ("MIT", 2),
        ("NONE", 1),
    ]
    readme = (tmp_path / "out" / "README.md").read_text()
    assert "| licence | none stated |" in readme
    assert "| **none stated** | 1 |" in readme
    # A licence for all of it is one for these files, too.
    docs = commit(bench, "acme/docs", sheet=True, licence="MIT")
    with pytest.raises(InvalidInputError) as refused:
        permit(bench, docs, offer)
    assert refused.value.kind == "contradiction"


def test_the_texts_of_a_union_are_those_of_what_it_was_made_from(bench: Bench) -> None:
    commit(bench, "acme/one", licence="LicenseRef-One", licence_text=b"one")
    commit(bench, "acme/two", licence="LicenseRef-Two", licence_text=b"two")
    both = bench.filter(None, "acme/one", "acme/two", to="acme/both").manifests[""]
    again = bench.filter(
        'recipe = 1\n[[step]]\nuse = "drop-duplicates/1"\n', "acme/both", to="acme/clean"
    ).manifests[""]
    for manifest in (both, again):
        assert sorted(map(str, texts(permit(bench, manifest)))) == [
            "LicenseRef-One",
            "LicenseRef-Two",
        ]


def test_two_sources_mean_two_licences_by_one_name(bench: Bench) -> None:
    """ATTACK A123: the text of one of them goes with the data of both."""
    commit(bench, "acme/one", licence="LicenseRef-NDA", licence_text=b"one")
    commit(bench, "acme/two", licence="LicenseRef-NDA", licence_text=b"two")
    both = bench.filter(None, "acme/one", "acme/two", to="acme/both").manifests[""]
    said = permit(bench, both)
    assert texts(said) == ["LicenseRef-NDA", "LicenseRef-NDA"]
    assert len({one["digest"] for one in said["licence"]["texts"]}) == 2


def test_a_text_that_came_later_counts_and_without_one_it_is_refused(bench: Bench) -> None:
    commit(bench, "acme/docs", licence="LicenseRef-Own")
    clean = bench.filter('recipe = 1\n[[step]]\nuse = "drop-empty/1"\n').manifests[""]
    with pytest.raises(InvalidInputError) as refused:
        permit(bench, clean)
    assert refused.value.kind == "licence-text"
    commit(bench, "acme/docs", licence="LicenseRef-Own", licence_text=b"the terms")
    assert texts(permit(bench, clean)) == ["LicenseRef-Own"]


@pytest.mark.parametrize("nickname", ["bought", "part"])
def test_what_was_bought_is_its_publishers(
    untouched_chain: Any, tmp_path: Path, nickname: str
) -> None:
    chain = bought(untouched_chain.copy(tmp_path / "buyer"))
    found = other_holder_of(chain.repository, chain.made[nickname])
    assert found is not None
    assert (found.reason, found.holder) == ("imported", PUBLISHER.did)


def test_more_sources_than_a_delivery_can_show(
    untouched_chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = bought(untouched_chain.copy(tmp_path / "buyer"))
    repository, manifest = chain.repository, chain.made["bought"]
    monkeypatch.setattr(carried, "_credentials", lambda *_: ())
    monkeypatch.setattr(carried, "_between", lambda *_: ())
    monkeypatch.setattr(carried, "MAX_FILES", 0)
    publisher = cast("Any", SimpleNamespace(source=manifest))
    with kinds.refused("too-many-sources"):
        carried.carry(repository, manifest, repository.tree(manifest), [publisher], AT)


def test_a_text_that_the_store_does_not_have(bench: Bench) -> None:
    gone = {"licence": {"textDigest": str(Digest.of(b"gone"))}}
    manifest = cast("Manifest", SimpleNamespace(body=gone, name="datasets/acme/docs"))
    with kinds.refused("no-licence-text"):
        licence_texts(bench.repo, manifest, Offer.of_words(("train",)))
