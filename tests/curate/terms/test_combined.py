"""What several datasets may be used for together: the worst answer counts, and is named."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lyrikstore.credentials.terms.model import Answer, Partition, Terms, UsageLimits, Use
from lyrikstore.credentials.terms.vocabulary import PERMISSIONS
from lyrikstore.curate.terms.combined import mix
from lyrikstore.curate.terms.contribution import HeldGrant, TermSource
from lyrikstore.verify.report import Verdict

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = datetime(2027, 11, 24, 12, tzinfo=UTC)


def source(name: str, *partitions: Partition, licence: str | None = None) -> TermSource:
    return TermSource(name, Terms(partitions, licence), verdict=Verdict.TRUSTED)


def alike(name: str, licence: str | None) -> TermSource:
    return source(name, Partition("all", ("train",), (), ("shareAlike",)), licence=licence)


def test_each_no_names_who_decides_it() -> None:
    a = source("a", Partition("all", ("train", "commercialUse"), requires=("attribution",)))
    b = source(
        "b",
        Partition("open", ("train", "commercialUse"), requires=("attribution",)),
        Partition("nc", ("train",), ("commercialUse",), ("reportUse",)),
    )
    result = mix([a, b], Use(("train",), AT))
    assert result.answers["train"] == (Answer.PERMITTED, ())
    assert result.answers["commercialUse"] == (Answer.PROHIBITED, (("b", "nc"),))
    assert result.answers["redistribute"][0] is Answer.NOT_STATED
    assert result.answers["redistribute"][1] == (("a", ""), ("b", "open"), ("b", "nc"))
    assert result.duties == {"attribution": (("a", ""), ("b", "open")), "reportUse": (("b", "nc"),)}
    assert result.ruling == (Answer.PERMITTED, "", ())
    assert result.to_json()["use"] == {
        "answer": "permitted",
        "reason": None,
        "decidedBy": [],
    }


def test_only_used_partitions_count() -> None:
    terms = Terms((Partition("open", ("train",)), Partition("nc", (), ("train",))))
    used = TermSource("b", terms, used=("open",), verdict=Verdict.TRUSTED)
    assert mix([used]).answers["train"] == (Answer.PERMITTED, ())


def test_what_has_no_credential_is_unknown() -> None:
    nothing = TermSource("x", None, "it has no credential")
    permitted = source("a", Partition("all", ("train",)))
    prohibited = source("c", Partition("all", (), ("train",)))
    assert mix([permitted, nothing]).answers["train"] == (Answer.UNKNOWN, (("x", ""),))
    assert mix([prohibited, nothing]).answers["train"] == (Answer.PROHIBITED, (("c", ""),))
    ruling = mix([permitted, nothing], Use(("train",), AT)).ruling
    assert ruling == (Answer.UNKNOWN, "it has no credential", (("x", ""),))


def test_limits_narrow_each_other_down() -> None:
    result = mix(
        [
            source(
                "a", Partition("all", limits=UsageLimits(("DE", "FR"), use_until=LATER, seats=9))
            ),
            source("b", Partition("all", limits=UsageLimits(("FR-75", "US"), AT, seats=5))),
            source("c", Partition("all")),
        ]
    )
    assert result.limits == UsageLimits(("FR-75",), AT, LATER, 5)
    assert result.conflicts == ()


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (UsageLimits(territory=("DE",)), UsageLimits(territory=("FR",)), "territory"),
        (UsageLimits(purposes=("education",)), UsageLimits(purposes=("healthcare",)), "purposes"),
        (UsageLimits(use_until=AT), UsageLimits(use_from=LATER), "period"),
    ],
)
def test_limits_that_exclude_each_other(one: UsageLimits, other: UsageLimits, kind: str) -> None:
    result = mix(
        [source("a", Partition("all", limits=one)), source("b", Partition("all", limits=other))]
    )
    (conflict,) = result.conflicts
    assert (conflict.kind, conflict.between) == (kind, (("a", ""), ("b", "")))


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("CC-BY-SA-4.0", "CC-BY-SA-4.0", False),
        ("CC-BY-SA-4.0", "GPL-3.0-only", True),
        ("CC-BY-SA-4.0 OR GPL-3.0-only", "GPL-3.0-only", False),
        ("CC-BY-SA-4.0 OR MIT", "GPL-3.0-only OR ISC", True),
        ("(CC-BY-SA-4.0 OR MIT) AND ISC", "MIT AND ISC", False),
        ("CC-BY-SA-4.0", None, True),
        ("LicenseRef-A", "LicenseRef-B", True),
        ("not ( an expression", "CC-BY-SA-4.0", True),
        (" AND ".join(f"(MIT OR LicenseRef-{n})" for n in range(30)), "MIT", True),
    ],
)
def test_share_alike_under_two_licences(one: str, other: str | None, clash: bool) -> None:
    result = mix([alike("a", one), alike("b", other)])
    assert [item.kind for item in result.conflicts] == ["share-alike"] * clash


def test_a_licence_cannot_repaint_the_terminal() -> None:
    (conflict,) = mix([alike("a", "\x1b[2J\u202eMIT"), alike("b", "ISC")]).conflicts
    assert conflict.summary.isprintable()


def test_share_alike_of_one_dataset_is_no_conflict() -> None:
    permissive = source("b", Partition("all", ("train",)), licence="MIT")
    assert mix([alike("a", "CC-BY-SA-4.0"), permissive]).conflicts == ()


words = st.lists(st.sampled_from(sorted(PERMISSIONS)), unique=True, max_size=4).map(tuple)
parts = st.builds(
    lambda name, permits, prohibits: Partition(
        name, permits, tuple(word for word in prohibits if word not in permits)
    ),
    st.sampled_from(["p", "q"]),
    words,
    words,
)
sources = st.lists(
    st.builds(lambda name, partitions: source(name, *partitions), st.sampled_from("abc"),
              st.lists(parts, min_size=1, max_size=3)),
    min_size=1,
    max_size=3,
)  # fmt: skip


@given(sources, sources)
def test_more_sources_never_allow_more(few: list[TermSource], more: list[TermSource]) -> None:
    order: list[Any] = list(Answer)
    before, after = mix(few), mix([*few, *more])
    for act, (answer, who) in before.answers.items():
        worse, deciders = after.answers[act]
        assert order.index(worse) <= order.index(answer)
        assert bool(who) is (answer is not Answer.PERMITTED)
        assert bool(deciders) is (worse is not Answer.PERMITTED)


WORTH = st.sampled_from([one for one in Verdict if not one.is_without_data])  # of credentials
GRANTED = Partition("all", ("train", "evaluate"))


def held_grant(
    worth: Verdict = Verdict.TRUSTED, granter: str | None = None, **changes: Any
) -> HeldGrant:
    made = HeldGrant(
        "x", granter, "did:key:me", ("train",), (), UsageLimits(seats=2), (GRANTED,), worth
    )
    return replace(made, **changes)


@given(
    own=WORTH,
    given=WORTH,
    permits=st.sets(st.sampled_from(["train", "evaluate"])),
    granter=st.sampled_from(["did:key:publisher", "did:key:mallory"]),
)
def test_nothing_is_permitted_by_what_is_not_shown_to_hold(
    own: Verdict, given: Verdict, permits: set[str], granter: str
) -> None:
    """Nor by a grant that anybody could write, for which terms about the same data suffice."""
    terms = None if own is Verdict.INVALID else Terms((Partition("all", tuple(permits)),))
    grant = held_grant(given, granter)
    held = TermSource("a", terms, issuer="did:key:publisher", verdict=own, grants=(grant,))
    result = mix([held], Use(("train",), AT, seats=1))
    assert result.ruling is not None
    by_terms = "train" in permits and terms is not None and own is not Verdict.INCOMPLETE
    same = granter == "did:key:publisher"
    by_grant = given is Verdict.TRUSTED or (given is Verdict.VALID and same)
    assert (result.ruling[0] is Answer.PERMITTED) is (by_terms or by_grant)
    assert (result.answers["train"][0] is Answer.PERMITTED) is (by_terms or by_grant)
    if result.ruling[0] is Answer.PERMITTED:
        assert result.worth is (own if by_terms else given)
    elif given is Verdict.INCOMPLETE and same:
        assert result.ruling[0] is Answer.UNKNOWN
        assert result.worth is not Verdict.INVALID or own is Verdict.INVALID


def test_the_limits_of_a_grant_are_asked_too() -> None:
    grant = held_grant()
    here = source("a", Partition("all", ("evaluate",)))
    held = TermSource("a", here.terms, verdict=Verdict.TRUSTED, grants=(grant,))
    for seats, answer in ((1, Answer.PERMITTED), (None, Answer.UNDECLARED), (3, Answer.NOT_STATED)):
        ruling = mix([held], Use(("train",), AT, seats=seats)).ruling
        assert ruling is not None
        assert ruling[0] is answer


def test_what_a_grant_gives_it_gives_within_its_limits_and_for_its_duties() -> None:
    """Where the terms give it to everybody, or no grant does, the limits are those of the terms."""
    limits = UsageLimits(("DE",), seats=2)
    grant = held_grant(limits=limits, requires=("reportUse",))
    here = source("a", Partition("all", ("evaluate",), limits=UsageLimits(seats=9)))
    held = TermSource("a", here.terms, verdict=Verdict.TRUSTED, grants=(grant,))
    for act, territory, expected in (
        ("train", ("DE",), limits),
        ("train", (), limits),
        ("train", ("FR",), UsageLimits(seats=9)),
        ("evaluate", ("DE",), UsageLimits(seats=9)),
    ):
        result = mix([held], Use((act,), AT, territory=territory, seats=1))
        assert result.limits == expected
        assert list(result.duties) == (["reportUse"] if expected == limits else [])


@pytest.mark.parametrize(
    ("changes", "use", "reason"),
    [
        ({}, {"seats": 1}, ""),
        ({}, {"seats": 3}, "prohibited"),
        ({}, {}, "undeclared"),
        ({}, {"seats": 1, "acts": ("train", "modify")}, "not-stated"),
        ({"worth": Verdict.INVALID, "reason": "other-holder"}, {"seats": 1}, "other-holder"),
        ({"worth": Verdict.INVALID, "reason": "expired"}, {"seats": 3}, "expired"),
        ({"worth": Verdict.VALID, "reason": "unknown-issuer"}, {"seats": 3}, "prohibited"),
    ],
)
def test_a_grant_that_does_not_give_it_says_why(
    changes: dict[str, Any], use: dict[str, Any], reason: str
) -> None:
    here = source("a", Partition("all", ("evaluate",)))
    grants = (held_grant(**changes),)
    held = TermSource("a", here.terms, verdict=Verdict.TRUSTED, grants=grants)
    wanted = Use(**{"acts": ("train",), "at": AT, **use})
    result = mix([held], wanted)
    (granted,) = result.to_json()["sources"][0]["grants"]
    assert granted["reason"] == (reason or None)
    short = result.grants_short_of(wanted.acts, (("a", ""),))
    assert [one.reason for one in short] == ([reason] if reason else [])
    assert result.grants_short_of(("redistribute",), (("a", ""),)) == ()
