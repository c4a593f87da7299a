"""A card says of how many records no licence is stated, and names none for them (spec 14.4.3)."""

from typing import Any

from lyrikstore.credentials.terms.model import Partition, Selector, Terms
from lyrikstore.curate.commit.inputs import CommitMetadata
from lyrikstore.curate.terms.offer import Offer
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.gathering.form import CardForm
from lyrikstore.publish.cards.vocabulary import say_all
from lyrikstore.publish.issue.dataset import permit_dataset
from tests.curate.conftest import Bench, bench

__all__ = ["bench"]
SHEET = [["path", "licence"], ["0.txt", "MIT"], ["1.txt", "MIT"], ["2.txt", ""]]
TERMS = Terms(
    (
        Partition(
            "open", ("train",), select=(Selector(column="licence", values=("MIT",)),), licence="MIT"
        ),
        Partition("rest", licence="NONE"),
    )
)


def said(bench: Bench, manifest: Any, card: str = "card/3") -> dict[str, Any]:
    facts = gather(bench.repo, manifest, form=CardForm(card))
    found = (one.to_json() for one in say_all(facts))
    return {str(one["id"]): one for one in found if "licence" in str(one["id"])}


def test_documents(bench: Bench) -> None:
    bench.write({f"{n}.txt": f"text {n}" for n in range(3)})
    docs: Any = bench.commit(stated=CommitMetadata(sheet=bench.sheet(SHEET))).current
    issued = permit_dataset(bench.context, docs, offer=Offer(TERMS))
    found = said(bench, docs)
    unstated = found["data.licence-unstated:datasets/acme/docs"]
    assert unstated["state"] == "measured"
    assert unstated["value"] == {"field": "licence", "records": 3, "unstated": 1}
    place = f"rights.licence:datasets/acme/docs {issued.credential_id.short}"
    assert found[f"{place} open"]["text"] == "MIT"
    assert found[f"{place} rest"]["state"] == "not-established"
    # What was written before is made anew as it was.
    assert not [one for one in said(bench, docs, "card/2") if "unstated" in one]


def test_rows_with_empty_strings(bench: Bench) -> None:
    bench.write({"r.jsonl": '{"text":"a","licence":"MIT"}\n{"text":"b","licence":""}\n'})
    found = said(bench, bench.commit().current)
    assert found["data.licence-unstated:datasets/acme/docs"]["state"] == "not-established"
