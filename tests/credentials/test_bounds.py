"""How far terms may go that rest on somebody else's: one dimension at a time."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.credentials.terms.bounds import TermsBound, partitions_shared
from lyrikstore.credentials.terms.model import Partition, Selector, Terms, UsageLimits
from lyrikstore.history.trees.tree import Tree, TreeEntry

JUNE, JULY = (datetime(2027, month, 1, tzinfo=UTC) for month in (6, 7))
END = "2027-11-01T00:00:00Z"
LIMITS = UsageLimits(("DE", "FR"), JUNE, JULY, 5, ("education", "healthcare"))
THEIRS = Partition(
    "all", ("train", "evaluate"), ("commercialUse",), ("attribution",), LIMITS, grantable=("test",)
)
OURS = Partition("all", ("train",), requires=("attribution",), limits=LIMITS)


@pytest.mark.parametrize(
    ("changes", "until", "within"),
    [
        ({}, END, True),
        ({"permits": ("train", "evaluate")}, END, True),
        ({"permits": ()}, END, True),
        ({"permits": ("train", "modify")}, END, False),
        ({"permits": ("train", "test")}, END, False),  # what they may grant, not we
        ({"permits": ("commercialUse",)}, END, False),
        ({"grantable": ("evaluate",)}, END, True),
        ({"grantable": ("modify",)}, END, False),
        ({"requires": ("attribution", "reportUse")}, END, True),
        ({"requires": ("reportUse",)}, END, False),
        ({"prohibits": ("evaluate", "x-print")}, END, True),
        ({"limits": UsageLimits()}, END, False),
        ({"limits": replace(LIMITS, territory=("DE-BY", "FR"))}, END, True),
        ({"limits": replace(LIMITS, territory=("DE", "AT"))}, END, False),
        ({"limits": replace(LIMITS, seats=4)}, END, True),
        ({"limits": replace(LIMITS, seats=6)}, END, False),
        ({"limits": replace(LIMITS, purposes=("education",))}, END, True),
        ({"limits": replace(LIMITS, purposes=("publicBenefit",))}, END, False),
        ({"limits": replace(LIMITS, use_until=JUNE)}, END, True),
        ({"limits": replace(LIMITS, use_from=None)}, END, False),
        ({"limits": replace(LIMITS, use_until=None)}, END, False),
        ({}, "2027-10-31T23:59:59Z", True),
        ({}, "2027-11-01T00:00:01Z", False),
        ({}, None, False),
    ],
)
def test_one_partition(changes: dict[str, Any], until: str | None, within: bool) -> None:
    terms = Terms((replace(OURS, **changes),))
    assert (TermsBound((THEIRS,), END).exceeded_by(terms, until) is None) is within


def test_what_a_grant_adds_and_demands() -> None:
    terms = Terms((replace(OURS, permits=("train", "test")),))
    granted = THEIRS.with_grant(("test",))
    assert TermsBound((granted,), END).exceeded_by(terms, END) is None
    assert TermsBound((granted,), END, ("reportUse",)).exceeded_by(terms, END) is not None
    limits = UsageLimits(seats=1)
    assert TermsBound((granted,), END, limits=limits).exceeded_by(terms, END) is not None
    prohibited = replace(THEIRS, prohibits=("test",)).with_grant(("test",))
    assert TermsBound((prohibited,), END).lacks(("test", "train")) == ["test"]
    assert TermsBound((), END).lacks(("train",)) == ["train"]


def test_partitions_are_held_against_those_that_share_a_file() -> None:
    tree = Tree.of(TreeEntry(path, 1, Digest.of(path.encode())) for path in ("a/1", "b/1"))
    free, closed = Partition("free", ("train",)), Partition("closed", ("evaluate",))
    select = (Selector("a"),)
    theirs = Terms((replace(free, select=select), closed))
    same, exchanged = (
        Terms((replace(one, name="x", select=select), replace(other, name="y")))
        for one, other in ((free, closed), (closed, free))
    )
    bound = TermsBound(theirs.partitions)
    assert bound.exceeded_by(same, None, partitions_shared(tree, same, theirs)) is None
    assert bound.exceeded_by(exchanged, None, partitions_shared(tree, exchanged, theirs))
    assert bound.exceeded_by(same, None)  # any two may share one
    assert partitions_shared(tree, Terms((replace(free, select=select),)), theirs) is None
    assert partitions_shared(None, same, theirs) is None
