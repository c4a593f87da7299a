"""Check of a checkpoint's settings against its manifest, before a library gets them.

Any signer of a checkpoint can write these files, and the manifest. So every value is checked, and
the
settings determine the tensors of each weight file before its bytes are copied.
"""

import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON, parse
from lyrikstore.train.formats import adapter, blend, decoder, word_counts
from lyrikstore.train.formats.architectures import family_of
from lyrikstore.train.formats.formats import BLEND, FORMATS, Format
from lyrikstore.verify.evaluation.choice.candidates import WEIGHTS
from lyrikstore.verify.evaluation.choice.unlike import (
    CENTROIDS,
    UNLIKE,
    VARIANCES,
)

Files = Mapping[str, bytes]
Shapes = Mapping[str, tuple[int, ...]]
"""Tensor → its shape."""

_NUMBER_COLUMNS, _VALUE_COLUMNS = {"field", "mean", "spread"}, {"field", "values"}
_MAX_DECIMAL = 400
_LEAST, _GREATEST = sys.float_info.min, sys.float_info.max

TEMPERATURES = (0.05, 20.0)
"""Smallest and greatest temperature that training tries."""

_DECISION = {"temperature": TEMPERATURES, "abstainBelow": (0.0, 1.0), "threshold": (0.0, 1.0)}
"""Member of a decision → its range."""


def check_settings(
    form: Format,
    files: Files,
    body: Mapping[str, Any],
    base: Digest | None,
    settings: Mapping[str, Any],
) -> dict[str, Shapes]:
    """Return the required tensors of a checkpoint's weight files, after a check of its settings.

    Args:
        form: The format of the checkpoint.
        files: Name → bytes of each settings file.
        body: The body of its manifest.
        base: Tree id of its base model; None: it has none.
        settings: The settings of the base model.

    Returns:
        Weight file → its tensors. For adapters and encoders only those of the classifier: the
        library
        that builds the model checks the others.

    Raises:
        LyrikstoreError: As :func:`check_decoder_settings`.
    """
    if form.generative:
        if base is None:
            refuse(form.id, "it has no base model")
        decoder.check_decoder_settings(files, body, base, settings)
        return {}
    _check_body(body)
    if form.id != BLEND:
        return _check_single(form, files, body, base, settings)
    about = _read(blend.SETTINGS, files[blend.SETTINGS], adapter.MAX_JSON_BYTES)
    if not isinstance(about, dict) or about.keys() != {
        *("format", "labels", "members", "task", "temperatures", "weight")
    }:
        refuse(blend.SETTINGS, "its members are not those of a blend")
    for name in ("format", "labels", "task"):
        if about[name] != body.get(name):
            refuse(blend.SETTINGS, f"{name} differs from the checkpoint's manifest")
    members, weight, temperatures = about["members"], about["weight"], about["temperatures"]
    if (
        not isinstance(members, list)
        or len(members) != 2
        or not all(isinstance(one, str) for one in (*members, weight))
        or members[0] not in word_counts.KNOWN
        or members[1] not in FORMATS
        or not FORMATS[members[1]].joins
        or weight not in WEIGHTS
        or not isinstance(temperatures, list)
        or len(temperatures) != 2
        or not all(_is_within(one, *TEMPERATURES) for one in temperatures)
    ):
        refuse(blend.SETTINGS, "it is not a supported blend")
    shapes: dict[str, Shapes] = {}
    for folder, member in zip((blend.WORDS, blend.OTHER), members, strict=True):
        inside = {
            name.removeprefix(f"{folder}/"): data
            for name, data in files.items()
            if name.startswith(f"{folder}/")
        }
        if inside.keys() != set(FORMATS[member].json_files):
            refuse(folder, f"its files are not those of {member}")
        found = _check_single(FORMATS[member], inside, {**body, "format": member}, base, settings)
        shapes |= {f"{folder}/{name}": some for name, some in found.items()}
    return shapes


def check_tensors(name: str, found: Shapes, wanted: Shapes) -> None:
    """Raise `bad-checkpoint` unless a weight file has the tensors that the settings require.

    Args:
        name: Name of the file, for errors.
        found: The tensors in its header.
        wanted: The tensors that :func:`check_settings` returned for it.

    Raises:
        FormatError: (``bad-checkpoint``) it does not.
    """
    for tensor in sorted(found.keys() | wanted.keys()):
        if found.get(tensor) != wanted.get(tensor):
            has, needs = (some.get(tensor, "missing") for some in (found, wanted))
            refuse(name, f"{tensor[:80]} is {has}, but the settings require {needs}")


def check_distances(found: Shapes, labels: int) -> None:
    """Raise `bad-checkpoint` unless a file has exactly the centroids of classes and the variances.

    Args:
        found: Its tensors.
        labels: The most classes.

    Raises:
        FormatError: (``bad-checkpoint``) it does not.
    """
    classes, *width = found.get(CENTROIDS, (0,))
    wanted = {CENTROIDS: (classes, *width), VARIANCES: tuple(width)}
    if found != wanted or len(width) != 1 or not 0 < classes <= labels:
        refuse(UNLIKE, "its tensors are not centroids and variances")


def _check_body(body: Mapping[str, Any]) -> None:
    labels, decision = body.get("labels"), body.get("decision", {})
    if (
        not isinstance(labels, list)
        or not all(isinstance(label, str) for label in labels)
        or len(set(labels)) != len(labels)
    ):
        refuse("labels", "they are not a list of different texts")
    for member, (least, most) in _DECISION.items():
        if member in decision and not _is_within(decision[member], least, most):
            value = str(decision[member])[:80]
            refuse("decision", f"{member} is {value}, not from {least:g} to {most:g}")


def _check_single(
    form: Format,
    files: Files,
    body: Mapping[str, Any],
    base: Digest | None,
    settings: Mapping[str, Any],
) -> dict[str, Shapes]:
    labels = len(body["labels"])
    if form.id in word_counts.KNOWN:
        terms, columns = _check_word_counts(files, body)
        shapes: dict[str, tuple[int, ...]] = {"idf": (terms,), "bias": (labels,)}
        if form.id == word_counts.FORMAT:
            runs = _check_characters(files[word_counts.CHARACTERS])
            columns += runs
            shapes["characters.idf"] = (runs,)
        shapes["weight"] = (labels, terms + columns)
        return {word_counts.WEIGHTS: shapes}
    if base is None:
        refuse(form.id, "it has no base")
    if form.id == adapter.FORMAT:
        adapter.check_adapter_config(files[adapter.ADAPTER_CONFIG], base=base, settings=settings)
    adapter.check_classifier_config(files[adapter.CLASSIFIER_CONFIG], body=body, settings=settings)
    width = int(settings[family_of(settings).shape[0]])
    return {adapter.CLASSIFIER: {"weight": (labels, width), "bias": (labels,)}}


def _check_word_counts(files: Files, body: Mapping[str, Any]) -> tuple[int, int]:
    """Return the numbers of terms and of further columns of a word-count model."""
    name = word_counts.SETTINGS
    about = _read(name, files[name], adapter.MAX_JSON_BYTES)
    if not isinstance(about, dict) or about.keys() != {"fields", "format", "labels", "task"}:
        refuse(name, "it has other members than supported")
    for member in ("format", "labels", "task"):
        if about[member] != body.get(member):
            refuse(name, f"{member} differs from the checkpoint's manifest")
    columns = about["fields"]
    if not isinstance(columns, list) or not all(map(_is_column, columns)):
        refuse(name, "its fields are not supported")
    name = word_counts.VOCABULARY
    # ATTACK: a list of small values needs many times the memory of the file. No term has a comma.
    if files[name].count(b",") >= word_counts.MAX_TERMS:
        refuse(name, f"it has more than {word_counts.MAX_TERMS} terms")
    terms = _read(name, files[name], word_counts.MAX_VOCABULARY_BYTES)
    if (
        not isinstance(terms, list)
        or not 0 < len(terms) <= word_counts.MAX_TERMS
        or not all(isinstance(term, str) for term in terms)
        or len(set(map(str, terms))) != len(terms)
    ):
        refuse(name, "it is not a list of different words")
    return len(terms), sum(len(one["values"]) + 1 if "values" in one else 2 for one in columns)


def _check_characters(data: bytes) -> int:
    """Return the number of character runs of a word-count model."""
    name, shortest, longest = (
        word_counts.CHARACTERS,
        word_counts.SHORTEST_RUN,
        word_counts.LONGEST_RUN,
    )
    # ATTACK A161: runs may contain commas, so the length of the file limits the list.
    runs = _read(name, data, word_counts.MAX_CHARACTERS_BYTES)
    if (
        not isinstance(runs, list)
        or len(runs) > word_counts.MAX_RUNS
        or not all(isinstance(one, str) and shortest <= len(one) <= longest for one in runs)
        or len(set(map(str, runs))) != len(runs)
    ):
        refuse(name, "it is not a list of different character runs")
    return len(runs)


def _is_column(column: JSON) -> bool:
    if not isinstance(column, dict) or not isinstance(column.get("field"), str):
        return False
    if column.keys() == _VALUE_COLUMNS:
        values = column["values"]
        return (
            isinstance(values, list)
            and all(isinstance(one, str) for one in values)
            and len(set(values)) == len(values)
        )
    return (
        column.keys() == _NUMBER_COLUMNS
        and _is_within(column["mean"], -_GREATEST, _GREATEST)
        and _is_within(column["spread"], _LEAST, _GREATEST)
    )


def _is_within(value: JSON, least: float, most: float) -> bool:
    """Return whether a value is a decimal as text within a range; NaN is not."""
    if not isinstance(value, str) or len(value) > _MAX_DECIMAL:
        return False
    try:
        return least <= float(value) <= most
    except ValueError:
        return False


def _read(name: str, data: bytes, limit: int) -> JSON:
    try:
        return parse(data, max_bytes=limit, floats=True)
    except FormatError as error:
        refuse(name, error.message)


def refuse(file: str, reason: str) -> NoReturn:
    """Raise `bad-checkpoint` for a file of a checkpoint, with a reason."""
    raise FormatError(
        "bad-checkpoint",
        f"{file}: {reason}",
        hint="lyrikstore does not write such checkpoints, and did not load it; ask its signer "
        "(lyrikstore show), or train it again",
    )
