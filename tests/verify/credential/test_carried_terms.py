"""Terms: words, limits, partitions; what a publisher may state and what a verifier recomputes."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.schemas import check_schema, load_schema
from lyrikstore.credentials.model.credential import DATASET, check_credential_shape
from lyrikstore.credentials.terms.claim import licence_ids, text_name
from lyrikstore.credentials.terms.model import (
    Answer,
    Partition,
    Selector,
    Terms,
    UsageLimits,
    Use,
    whole,
)
from lyrikstore.credentials.terms.partitioning import assign, extents
from lyrikstore.credentials.terms.vocabulary import (
    COUNTRIES,
    PERMISSIONS,
    UNIONS,
    check_territory,
    territory_of,
    territory_words,
)
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.w3c.proofs.proof_set import add_proof

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOTHING = Digest.of(b"")

words = st.lists(st.sampled_from(sorted(PERMISSIONS)), unique=True, max_size=4).map(tuple)
partitions = st.builds(
    lambda name, permits, prohibits: Partition(
        name, permits, tuple(word for word in prohibits if word not in permits)
    ),
    st.sampled_from(["a", "b", "c"]),
    words,
    words,
)


def tree_of(*paths: str, **metas: dict[str, str]) -> Tree:
    return Tree.of(TreeEntry(path, 1, NOTHING, metas.get(path.partition(".")[0])) for path in paths)


def by_path(*paths: str) -> tuple[Selector, ...]:
    return tuple(Selector(path=path) for path in paths)


@given(st.lists(partitions, min_size=1, max_size=4), words)
def test_more_files_and_more_acts_never_allow_more(
    parts: list[Partition], acts: tuple[str, ...]
) -> None:
    use = Use(acts, AT)
    answer, reason = Terms(tuple(parts)).judge(use)
    order = list(Answer)
    for partition in parts:
        assert order.index(answer) <= order.index(partition.judge(use)[0])
    for act in acts:
        assert order.index(answer) <= order.index(Terms(tuple(parts)).judge(Use((act,), AT))[0])
    assert bool(reason) is (answer is not Answer.PERMITTED)
    if answer is Answer.PERMITTED:
        assert set(acts) <= set(Terms(tuple(parts)).permits)


@pytest.mark.parametrize(
    ("limits", "use", "answer"),
    [
        (UsageLimits(territory=("DE", "US-CA")), {}, Answer.UNDECLARED),
        (UsageLimits(territory=("DE", "US-CA")), {"territory": ("DE",)}, Answer.PERMITTED),
        (UsageLimits(territory=("DE", "US-CA")), {"territory": ("DE-BY",)}, Answer.PERMITTED),
        (UsageLimits(territory=("DE", "US-CA")), {"territory": ("US",)}, Answer.PROHIBITED),
        (UsageLimits(territory=("DE", "US-CA")), {"territory": ("DE", "FR")}, Answer.PROHIBITED),
        (UsageLimits(seats=5), {}, Answer.UNDECLARED),
        (UsageLimits(seats=5), {"seats": 5}, Answer.PERMITTED),
        (UsageLimits(seats=5), {"seats": 6}, Answer.PROHIBITED),
        (UsageLimits(purposes=("education",)), {"purposes": ("education",)}, Answer.PERMITTED),
        (UsageLimits(purposes=("education",)), {"purposes": ("x-sales",)}, Answer.PROHIBITED),
        (UsageLimits(purposes=("education",)), {}, Answer.UNDECLARED),
        (UsageLimits(use_from=AT, use_until=AT), {}, Answer.PERMITTED),
        (UsageLimits(use_from=AT.replace(hour=13)), {}, Answer.PROHIBITED),
        (UsageLimits(use_until=AT.replace(hour=11)), {}, Answer.PROHIBITED),
        (UsageLimits(seats=5, use_until=AT.replace(hour=11)), {}, Answer.PROHIBITED),
    ],
)
def test_limits(limits: UsageLimits, use: dict[str, Any], answer: Answer) -> None:
    assert limits.judge(Use(("train",), AT, **use))[0] is answer
    assert UsageLimits.of(limits.to_json()) == limits


@pytest.mark.parametrize(
    "use",
    [
        *("x", 1, ["a"], {"also": "train"}, {"also": [1]}, {"territory": {"a": 1}}),
        *({"seats": "3"}, {"seats": True}, {"purposes": [["a"]]}),
    ],
)
def test_a_run_that_declares_its_use_in_no_readable_way(use: Any) -> None:
    with pytest.raises(FormatError, match="malformed"):
        Use.of_run({"purpose": "train", "config": {"use": use}}, AT)


def test_what_a_run_declares() -> None:
    declared = {"also": ["commercialUse"], "territory": ["DE"], "seats": 3, "purposes": ["x-a"]}
    use = Use.of_run({"purpose": "train", "config": {"use": declared}}, AT)
    assert use == Use(("train", "commercialUse"), AT, ("DE",), 3, ("x-a",))
    assert Use.of_run({"purpose": "train", "config": {}}, AT) == Use(("train",), AT)
    assert Use.of_run({"purpose": "evaluate", "config": {}}, AT).acts == ("train", "evaluate")
    assert Use.of_evaluation({"use": declared}, AT).acts == ("evaluate", "commercialUse")


def test_a_licence_id_implies_nothing() -> None:
    terms = Terms((Partition("all", licence="CC0-1.0"),), licence="CC0-1.0")
    assert terms.judge(Use(("train",), AT)) == (Answer.NOT_STATED, "train is not permitted")
    assert terms.permits == ()


def test_every_file_is_in_one_partition() -> None:
    tree = tree_of("a/b.txt", "a/c.txt", "ab.txt", "z.txt", z={"k": "v"})
    parts = (
        Partition("one", select=by_path("a")),
        Partition("two", select=(Selector(column="k", values=("v", "w")),)),
        Partition("rest"),
    )
    numbers = assign(tree, parts)
    assert list(numbers) == [0, 0, 2, 1]
    assert [extent.files for extent in extents(tree, numbers, 3)] == [2, 1, 1]


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([Partition("one", select=by_path("a"))], "'z.txt' is in no partition"),
        ([Partition("one"), Partition("two")], "both take what is left"),
        (
            [Partition("one", select=by_path("a")), Partition("two", select=by_path("a/b.txt"))],
            "'a/b.txt' is in partitions 'one' and 'two'",
        ),
        (
            [Partition("one", select=by_path("a")), Partition("two", select=by_path("a"))],
            "'a' selects 'one' and 'two'",
        ),
        (
            [
                Partition("one", select=by_path("z.txt")),
                Partition("two", select=(Selector(column="k", values=("v",)),)),
                Partition("rest"),
            ],
            "'z.txt' is in partitions",
        ),
    ],
)
def test_overlaps_and_gaps_are_named(parts: list[Partition], words: str) -> None:
    with pytest.raises(FormatError) as caught:
        assign(tree_of("a/b.txt", "z.txt", z={"k": "v"}), parts)
    assert caught.value.kind == "bad-partition"
    assert words in caught.value.message


def test_many_selectors_cost_no_more_than_few() -> None:
    # Attack: 255 partitions of a thousand selectors each over many files.
    parts = [
        Partition(f"p{n}", select=by_path(*(f"d{n}/{i}" for i in range(1000)))) for n in range(254)
    ]
    tree = Tree.of(TreeEntry(f"x/{n}", 1, NOTHING) for n in range(20_000))
    assert set(assign(tree, [*parts, Partition("rest")])) == {254}


@pytest.mark.parametrize(
    ("terms", "kind"),
    [
        (Terms((Partition("all", limits=UsageLimits(territory=("EU",))),)), "unknown-word"),
        (Terms((Partition("all", limits=UsageLimits(territory=("UK",))),)), "unknown-word"),
        (Terms((Partition("all", limits=UsageLimits(purposes=("fun",))),)), "unknown-word"),
        (Terms((Partition("all", licence="MIT"),)), "contradiction"),
        (
            Terms((Partition("all"), Partition("none", select=by_path("nowhere")))),
            "bad-partition",
        ),
        (Terms((Partition("a", select=by_path("a")),)), "bad-partition"),
    ],
)
def test_what_a_publisher_may_not_state(publisher: Any, terms: Terms, kind: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        publisher.unsigned(terms=terms)
    assert caught.value.kind == kind


def test_partitions_survive_the_credential(publisher: Any, world: SimpleNamespace) -> None:
    limits = UsageLimits(("DE",), AT, AT, 3, ("education", "x-own"))
    terms = Terms(
        (
            Partition("a", ("train",), ("reidentify",), ("attribution",), limits, by_path("a")),
            Partition("rest", licence="LicenseRef-Acme-1.0"),
        )
    )
    document = publisher.unsigned(terms=terms)
    check_credential_shape(document, DATASET)
    read = Terms.of(document["credentialSubject"]["licence"])
    assert read.partitions == terms.partitions
    assert read.licence == "LicenseRef-Acme-1.0"
    assert read.texts == {Digest.of(world.LICENCE): "LicenseRef-Acme-1.0"}
    assert read.permits == ()
    assert read.requires == ("attribution",)


def test_own_words_and_simple_terms() -> None:
    assert whole(["train"]).partitions[0].name == "all"
    assert licence_ids("(MIT OR LicenseRef-a.b) AND GPL-2.0-only WITH x-exception") == {
        *("MIT", "LicenseRef-a.b", "GPL-2.0-only", "x-exception")
    }
    assert text_name("CC-BY-4.0 AND LicenseRef-A") == "LicenseRef-A"
    assert text_name("MIT AND ISC") is None
    assert text_name(None) is None


def test_territories_are_those_of_the_time_zone_database() -> None:
    listed = Path("/usr/share/zoneinfo/iso3166.tab")
    if not listed.is_file():
        pytest.skip("no time zone database here")
    lines = listed.read_text("utf-8").splitlines()
    assert {line[:2] for line in lines if not line.startswith("#")} == COUNTRIES
    check_territory(["DE", "DE-BY", "US-CA"])
    assert {code for members in UNIONS.values() for code in members} < COUNTRIES


@pytest.mark.parametrize(
    "case",
    json.loads((Path(__file__).parents[3] / "spec/vectors/terms/territories.json").read_text())[
        "cases"
    ],
    ids=lambda case: case["id"],
)
def test_a_union_is_called_by_its_name(case: dict[str, Any]) -> None:
    assert list(territory_words(case["codes"])) == case["words"]
    assert set(territory_of(case["words"])) == set(case["codes"])


def test_words_of_the_schemas_and_the_specification_are_those_of_the_code() -> None:
    chapter = (Path(__file__).parents[3] / "spec/19-terms.md").read_text("utf-8")
    stated = re.search(r"`EU` stands for (.*?), and `EEA` for these, (.*?)\.", chapter)
    assert stated is not None
    members = [tuple(re.findall("[A-Z]{2}", part)) for part in stated.groups()]
    assert {"EU": members[0], "EEA": members[0] + members[1]} == UNIONS
    from lyrikstore.credentials.terms import vocabulary

    for table in (vocabulary.PERMISSIONS, vocabulary.DUTIES):
        for word, meaning in table.items():
            assert f"| `{word}` | {meaning}" in chapter
    for word in vocabulary.PURPOSES:
        assert f"`{word}`" in chapter


def test_the_terms_file_speaks_the_words_of_the_credential() -> None:
    credential = load_schema("dataset-credential-1")["$defs"]
    file = load_schema("terms")
    limits = dict(credential["limits"]["properties"])
    del limits["type"]
    assert file["$defs"]["limits"]["properties"].keys() == limits.keys()
    check_schema({"permits": []}, "terms")
    for wrong in (
        {},
        {"permits": [], "partition": [{"name": "a"}]},
        {"permits": [], "limits": {}},
        {"permits": [], "permit": []},
    ):
        with pytest.raises(FormatError):
            check_schema(wrong, "terms")


def test_a_credential_with_everything_has_a_twin_in_rdf(
    publisher: Any, world: SimpleNamespace
) -> None:
    pytest.importorskip("pyld")
    limits = UsageLimits(("DE", "FR"), AT, AT, 3, ("education", "x-own"))
    terms = Terms(
        (
            Partition(
                *("a", ("train",), ("reidentify",), ("attribution",), limits, by_path("a", "q")),
                grantable=("commercialUse",),
            ),
            Partition("b", select=(Selector(column="category", values=("c2", "c3")),)),
            Partition("rest", licence="LicenseRef-Acme-1.0"),
        )
    )
    measured = {
        "type": "QualityMeasurement",
        "metric": "fieldShare",
        "value": "0.500000",
        "basis": "measured",
        "recipe": {
            "type": "MeasurementRecipe",
            "use": "fieldShare/1",
            "parameters": {"field": "label", "value": "x"},
        },
    }
    laws = [
        {
            "type": "RegulatoryStatement",
            "regime": "EU-GDPR",
            "status": "pseudonymised",
            "basis": "Art. 6(1)(a)",
            "warrantedBy": {"type": "Party", **party},
            "asOf": "2026-10-01",
        }
        for party in ({"did": world.OWNER.did}, {"name": "Lex LLP"})
    ]
    document = publisher.unsigned(terms=terms, more={"quality": [measured], "regulatory": laws})
    signed = add_proof(document, world.OWNER, suite="eddsa-rdfc-2022", created=AT)
    document["credentialSubject"]["licence"]["partitions"][1]["select"][0]["values"] = ["c2"]
    changed = add_proof(document, world.OWNER, suite="eddsa-rdfc-2022", created=AT)
    assert signed["proof"]["proofValue"] != changed["proof"]["proofValue"]


def test_of_no_partition_nothing_is_listed_as_permitted() -> None:
    # An empty dataset, filtered from one with several partitions, uses none of them.
    none = Terms(Terms((Partition("a", permits=("train",)), Partition("b"))).named(()))
    assert none.permits == ()
