"""Checks of labels: their number, and values that look like mistakes (spec §13.2)."""

from collections.abc import Collection, Mapping

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import pluralize
from lyrikstore.verify.evaluation.choice.candidates import FEW_RECORDS
from lyrikstore.verify.evaluation.choice.folds import FOLDS
from lyrikstore.verify.rights.judge import Reason

MAX_LABELS, MAX_LABEL_BYTES = 1000, 64 << 10
"""Most labels, and their bytes in all: a signed evaluation holds them three times, with figures."""

FEW_VALUES = 100
"""Up to this number of different values a field may be a label, even if each occurs once."""

_SHOWN = 8


def check_labels(name: str, labels: Collection[str]) -> None:
    """Raise `too-many-labels` unless an evaluation can hold figures for each of ``labels``.

    Checked before the first step: later, hours of work could not be signed.

    Raises:
        InvalidInputError: (``too-many-labels``) it cannot; ``name`` is that of the dataset.
    """
    if len(labels) > MAX_LABELS or sum(len(label.encode()) for label in labels) > MAX_LABEL_BYTES:
        raise InvalidInputError(
            "too-many-labels",
            f"{name} has {pluralize(len(labels), 'label')}; at most "
            f"{MAX_LABELS} labels of {MAX_LABEL_BYTES} bytes in all are possible",
            hint="is [data] label the right column? if so, join rare labels in the sheet",
        )


def check_trained_labels(name: str, labels: Collection[str], trained: Collection[str]) -> None:
    """Raise `label-unknown` unless the training data has every label of the validation data.

    ``name`` is that of the validation data.

    Raises:
        InvalidInputError: (``label-unknown``) a label is missing.
    """
    unseen = sorted(set(labels) - set(trained))
    if unseen:
        raise InvalidInputError(
            "label-unknown",
            f"{name} has the label {unseen[0][:80]!r}; no training record has it",
            hint="allow only labels with enough records, with an allow filter before the split",
            details={"labels": unseen},
        )


def check_learnable(name: str, field: str, labels: Mapping[str, int], *, worded: bool) -> None:
    """Raise `one-label`, `no-words` or `too-many-labels` unless records can be trained on.

    Args:
        name: The dataset, for errors.
        field: The field that holds the label.
        labels: Label → records.
        worded: Whether any text has a word.

    Raises:
        InvalidInputError: (``one-label``) there are fewer than two labels; (``no-words``) no text
            has a word.
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
    """Raise `too-many-labels` if the values of a field look like free text, not like labels.

    Args:
        name: The dataset, for errors.
        field: The field that is meant to hold the label.
        values: How many different values it has.
        given: How many values of the field records have, in all.
        others: Other fields that could be labels → how many different values they have.

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
        + (f"these have few values: {columns}" if columns else "no other field has few values"),
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
    """Return warnings about the labels, after the data was read.

    Args:
        labels: Label → number of records of training and validation together, or of their groups if
            there are groups.
        records: Numbers of training and of validation records.
        folded: Candidates that are compared by cross-validation; others are compared on the
            validation data.
        stopped: Candidates that the validation data stops early, however they are compared.
        groups: Number of groups of both together; None: records are not grouped.
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
                "all records of training and validation belong to one group, and a group cannot be "
                "divided: candidates are compared on the validation data alone, so their scores "
                "are too high; name another field in [data] group, or add records of more groups",
            )
        )
    elif groups is not None and groups < FOLDS:
        found.append(
            Reason(
                "few-groups",
                f"training and validation together have only {groups} groups: the choice between "
                "candidates, the confidence of answers and the limit for abstaining depend on "
                f"chance; add records of {FOLDS} groups or more, or name another field in "
                "[data] group",
            )
        )
    return found


def _few_records(
    records: tuple[int, int], folded: Collection[str], stopped: Collection[str]
) -> str:
    """Return a warning if there are fewer than :data:`FEW_RECORDS` records; else an empty text."""
    found, validation = [], records[1]
    compared = sum(records) if folded else validation
    if compared < FEW_RECORDS:
        named = "training and validation together have" if folded else "validation has"
        found.append(
            f"{named} only {pluralize(compared, 'record')}: the choice between candidates, the "
            "confidence of answers and the limit for abstaining depend on chance"
        )
    if folded and stopped and validation < FEW_RECORDS:
        held = [one for one in stopped if one not in folded]
        choice = f", and whether {' or '.join(held)} is chosen," if held else ""
        found.append(
            f"validation has only {pluralize(validation, 'record')}: after which epoch "
            f"{' or '.join(stopped)} stops{choice} depends on chance"
        )
    return f"{'; '.join(found)}; use {FEW_RECORDS} or more" if found else ""


def rare_labels(labels: Mapping[str, int], *, grouped: bool = False) -> str:
    """Return a warning that names labels with one record; empty: every label has more.

    Args:
        labels: Label → number of records of training and validation together, or of their groups.
        grouped: Whether the numbers count groups.
    """
    rare = sorted(label for label, count in labels.items() if count == 1)
    if not rare:
        return ""
    shown = ", ".join(repr(label[:80]) for label in rare[:_SHOWN])
    more = f" (and {len(rare) - _SHOWN} more)" if len(rare) > _SHOWN else ""
    what = "records of one group alone" if grouped else "one record"
    return (
        f"{len(rare)} of {pluralize(len(labels), 'label')} {'has' if len(rare) == 1 else 'have'} "
        f"{what} in training and validation together: {shown}{more}; a record that is trained on "
        "cannot be held out too, so the answers for such a label are not measured; add records, "
        "or keep only labels with enough of them, with an allow filter before the split"
    )


def labels_alike(labels: Collection[str]) -> str:
    """Return a warning about blank labels, or labels that differ in case or spaces only, or ""."""
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
        return "one label is blank; if it means a missing label, drop those records in a filter"
    return ""
