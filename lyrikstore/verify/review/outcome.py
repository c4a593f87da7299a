"""What the decisions about a record say together (spec §26.7)."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import UNSET, Struct, UnsetType

from lyrikstore.verify.review.model import ItemOutcome, Outcome, QueueItem, RecordDecision, value_of


class ItemDecisions(Struct, frozen=True):
    """An item with the decisions about it.

    Attributes:
        item: The item.
        candidate: The values of the reviewed field in the dataset.
        first: The reviewers' decisions, by DID, in the order of the assignment.
        adjudicated: The adjudicator's decision.
    """

    item: QueueItem
    candidate: tuple[str, ...]
    first: dict[str, RecordDecision]
    adjudicated: RecordDecision | None = None

    @property
    def decisions(self) -> list[RecordDecision]:
        """All decisions; the adjudicator's is the last one."""
        last = [] if self.adjudicated is None else [self.adjudicated]
        return [*self.first.values(), *last]

    def values(self) -> list[tuple[str, ...] | str]:
        """The final values of the reviewers' decisions."""
        return [value_of(one, self.candidate) for one in self.first.values()]

    def disagrees(self) -> bool:
        """Whether the reviewers' final values differ."""
        return len(set(self.values())) > 1


def items_decided(
    items: Sequence[QueueItem],
    reviewers: Sequence[str],
    candidates: Mapping[int, tuple[str, ...]],
    decisions: Mapping[str, Mapping[int, RecordDecision]],
    adjudicated: Mapping[int, RecordDecision],
) -> list[ItemDecisions]:
    """Return the items of a queue with the decisions about them.

    Args:
        items: The items of the first queue.
        reviewers: The reviewers of the request, whom the items name by number.
        candidates: Place → values of the reviewed field.
        decisions: DID → item → decision, of the first round.
        adjudicated: Item → decision of the adjudicator.
    """
    return [
        ItemDecisions(
            one,
            candidates[one.place],
            {
                reviewers[at]: decisions[reviewers[at]][one.item]
                for at in one.reviewers
                if one.item in decisions.get(reviewers[at], {})
            },
            adjudicated.get(one.item),
        )
        for one in items
    ]


def outcome_of(decided: ItemDecisions) -> ItemOutcome:
    """Return the outcome for one item.

    If the reviewers agree, it is their value; else the adjudicator's, if there is one.
    """
    decisions, candidate = decided.decisions, tuple(sorted(decided.candidate))
    all_values = [value_of(one, candidate) for one in decisions]
    final: tuple[str, ...] | str | None = None
    if decided.adjudicated is not None:
        final = all_values[-1]
    elif all_values and not decided.disagrees():
        final = all_values[0]
    reasons = sorted({one.reason for one in decisions if not isinstance(one.reason, UnsetType)})
    return ItemOutcome(
        place=decided.item.place,
        item=decided.item.item,
        outcome=_word(final, candidate, bool(decisions)),
        was=decided.candidate,
        agree=0 if final is None else all_values.count(final),
        of=len(decisions),
        value=final if isinstance(final, tuple) else UNSET,
        reason=tuple(reasons) or UNSET,
    )


def outcomes_of(decided: Iterable[ItemDecisions]) -> list[ItemOutcome]:
    """Return the outcome for each item, in ascending order of places."""
    return sorted(map(outcome_of, decided), key=lambda one: one.place)


def _word(
    final: tuple[str, ...] | str | None, candidate: tuple[str, ...], answered: bool
) -> Outcome:
    if final is None:
        return "disagreed" if answered else "unanswered"
    if isinstance(final, tuple):
        return "accept" if final == candidate else "change"
    return "reject" if final == "reject" else "cannot-say"
