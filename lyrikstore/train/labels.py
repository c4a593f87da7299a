"""Labels: how many a model can tell apart, and what in them looks like a mistake (spec §13.2)."""

from collections.abc import Collection, Mapping

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import pluralize
from lyrikstore.verify.evaluation.choice.candidates import FEW_RECORDS
from lyrikstore.verify.evaluation.choice.folds import FOLDS
from lyrikstore.verify.rights.judge import Reason

MAX_LABELS, MAX_LABEL_BYTES = 1000, 64 << 10
"""Most labels, and bytes of them in all: what one signed evaluation holds, thrice, with figures."""

FEW_VALUES = 100
"""Different values up to which a field may be a label, however seldom each occurs."""

_SHOWN = 8


def check_labels(name: str, labels: Collection[str]) -> None:
    """Return if an evaluation can hold figures for each of ``labels``.

    Known before the first step, rather than when hours of work cannot be signed.

    Raises:
        InvalidInputError: (``too-many-labels``) it cannot; ``name`` is the dataset's.
    """
    if len(labels) > MAX_LABELS or sum(len(label.encode()) for label in labels) > MAX_LABEL_BYTES:
        raise InvalidInputError(
            "too-many-labels",
            f"{name} has {pluralize(len(labels), 'label')}; "
            f"{MAX_LABELS}, of {MAX_LABEL_BYTES} bytes in all, "
            "are the most",
            hint="is [data] label the right column? if so, join rare labels in the sheet",
        )


def check_trained_labels(name: str, labels: Collection[str], learnt: Collection[str]) -> None:
    """Return if training has every label of the validation data; ``name`` is that data's.

    Raises:
        InvalidInputError: (``label-unknown``) it has not.
    """
    unseen = sorted(set(labels) - set(learnt))
    if unseen:
        raise InvalidInputError(
            "label-unknown",
            f"{name} has the label {unseen[0][:80]!r}; no training record has it",
            hint="allow only labels with enough records, with an allow filter before the split",
            details={"labels": unseen},
        )


def check_learnable(name: str, field: str, labels: Mapping[str, int], *, worded: bool) -> None:
    """Return if a model can learn from some records.

    Args:
        name: What they are of, for errors.
        field: The field that holds the label.
        labels: Label → records.
        worded: Whether any of their texts holds a word.

    Raises:
        InvalidInputError: (``one-label``) there is nothing to tell apart; (``no-words``).
        LyrikstoreError: As :func:`check_repeated`.
    """
    if len(labels) < 2:
        raise InvalidInputError(
            "one-label",
            f"{name} has fewer than two labels",
            hint="is [data] label the right field? a model needs records of two labels at least",
        )
    check_repeated(name, field, values=len(labels), given=sum(labels.values()), others={})
    check_labels(name, labels)
    if not worded:
        raise InvalidInputError(
            "no-words",
            f"no text of {name} has a word of two letters or more",
            hint="is [data] text the right field?",
        )


def check_repeated(
    name: str, field: str, *, values: int, given: int, others: Mapping[str, int]
) -> None:
    """Return if the values of a field repeat, as labels do and free text does not.

    Args:
        name: The dataset, for errors.
        field: The field that is to hold the label.
        values: How many different values it has.
        given: How many values records have of it, in all.
        others: Fields that may be labels → how many different values they have.

    Raises:
        InvalidInputError: (``too-many-labels``) there are more than :data:`MAX_LABELS`, or more
            than :data:`FEW_VALUES` of which one occurs less than twice on average.
    """
    if values <= FEW_VALUES or (values <= MAX_LABELS and given >= 2 * values):
        return
    known = sorted(others.items(), key=lambda one: (one[1], one[0]))[:_SHOWN]
    columns = ", ".join(f"{other} ({count} values)" for other, count in known)
    raise InvalidInputError(
        "too-many-labels",
        f"{name}: {field!r} has {values:,} different values, {given:,} in all; that looks like "
        "free text, not like labels",
        hint="name the field with the label ([data] label, or --label); "
        + (f"these have few values: {columns}" if columns else "no other has few values"),
        details={"field": field, "values": values, "fields": [other for other, _ in known]},
    )


def label_warnings(
    labels: Mapping[str, int],
    records: tuple[int, int],
    *,
    folded: Collection[str] = (),
    stopped: Collection[str] = (),
    groups: int | None = None,
) -> list[Reason]:
    """Return what to warn of once the data was read.

    Args:
        labels: Label → records of training and validation together, or their groups if there
            are any.
        records: How many records training and validation have.
        folded: The candidates that folds of both compare; all others validation compares.
        stopped: The candidates that validation stops, whatever compares them.
        groups: How many groups both have together; None: there are none.
    """
    found = []
    if alike := labels_alike(labels):
        found.append(Reason("labels-alike", alike))
    if few := _few_records(records, folded, stopped):
        found.append(Reason("few-validation", few))
    if groups != 1 and (rare := rare_labels(labels, grouped=groups is not None)):
        found.append(Reason("rare-labels", rare))
    if groups == 1:
        found.append(
            Reason(
                "few-groups",
                "all records of training and validation are of one group, of which no part can be "
                "held out: candidates are compared on the validation data alone, which flatter "
                "them; name another field in [data] group, or take records of more groups",
            )
        )
    elif groups is not None and groups < FOLDS:
        found.append(
            Reason(
                "few-groups",
                f"training and validation together have only {groups} groups: the choice between "
                "candidates, the confidence of answers and when not to answer rest on chance; "
                f"take records of {FOLDS} groups or more, or name another field in [data] group",
            )
        )
    return found


def _few_records(
    records: tuple[int, int], folded: Collection[str], stopped: Collection[str]
) -> str:
    """Return what rests on fewer than :data:`FEW_RECORDS` records; empty: nothing."""
    found, validation = [], records[1]
    compared = sum(records) if folded else validation
    if compared < FEW_RECORDS:
        named = "training and validation together have" if folded else "validation has"
        found.append(
            f"{named} only {pluralize(compared, 'record')}: the choice between candidates, the "
            "confidence of answers and when not to answer rest on chance"
        )
    if folded and stopped and validation < FEW_RECORDS:
        held = [one for one in stopped if one not in folded]
        choice = f", and whether {' or '.join(held)} is taken," if held else ""
        found.append(
            f"validation has only {pluralize(validation, 'record')}: after which epoch "
            f"{' or '.join(stopped)} stops{choice} rests on chance"
        )
    return f"{'; '.join(found)}; take {FEW_RECORDS} or more" if found else ""


def rare_labels(labels: Mapping[str, int], *, grouped: bool = False) -> str:
    """Return that some labels have one record, and which; empty: none has.

    Args:
        labels: Label → records of training and validation together, or their groups.
        grouped: Whether these are groups.
    """
    rare = sorted(label for label, count in labels.items() if count == 1)
    if not rare:
        return ""
    shown = ", ".join(repr(label[:80]) for label in rare[:_SHOWN])
    more = f" (and {len(rare) - _SHOWN} more)" if len(rare) > _SHOWN else ""
    what = "records of one group alone" if grouped else "one record"
    return (
        f"{len(rare)} of {pluralize(len(labels), 'label')} {'has' if len(rare) == 1 else 'have'} "
        f"{what} in training and validation together: {shown}{more}; what is learned from cannot "
        "be held out as well, so nothing measures how that label is answered; take more records, "
        "or keep labels with enough of them, with an allow filter before the split"
    )


def labels_alike(labels: Collection[str]) -> str:
    """Return what is odd in labels that differ in case or white space alone; empty: nothing."""
    alike: dict[str, list[str]] = {}
    for label in sorted(labels):
        alike.setdefault(" ".join(label.casefold().split()), []).append(label)
    pairs = [some for some in alike.values() if len(some) > 1]
    if pairs:
        shown = ", ".join(repr(label[:80]) for label in pairs[0][:3])
        return (
            f"labels that differ in case or spaces alone count as different: {shown}"
            + (f" (and {len(pairs) - 1} more)" if len(pairs) > 1 else "")
            + "; if they mean the same, write them alike with map/1 in a filter"
        )
    if "" in alike:
        return "one label is blank; if it means that there is none, drop those records in a filter"
    return ""
