"""Values of the data that a card omits: cells, and parts of file names (spec §14.4.3)."""

from collections import Counter
from typing import Any

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON
from lyrikstore.credentials.model.credential import DATASET
from lyrikstore.credentials.model.opened import OpenedCredential

_SUFFIXES = """
.csv .doc .docx .eml .epub .gif .gz .htm .html .jpeg .jpg .json .jsonl .log .md .msg .odt .parquet
.pdf .png .pptx .rst .rtf .tex .text .tif .tiff .tsv .txt .xhtml .xls .xlsx .xml .yaml .yml .zip
.zst none
"""
SUFFIXES = frozenset(_SUFFIXES.split())
"""Suffixes that identify a file format and reveal nothing about persons."""

_STATISTICS = (
    *("files", "bytes", "records", "columns", "fields", "fieldsAbove", "severalLabels"),
    *("labelsAbove", "sample"),
)
_UNKNOWN = "in a form that this version does not know"


def without_values(field: str, value: JSON) -> JSON:
    """Return a field of a descriptor without values of the data.

    ATTACK: a label that only one record has, or ``letter.jane-doe``, whose suffix is a name.

    Args:
        field: The field. The labels of ``stats`` become a count; suffixes of ``formats`` that are
            not in :data:`SUFFIXES` become one. Other fields, stated by a person, stay.
        value: The value in the descriptor.
    """
    if field == "stats":
        return _statistics(value)
    return _formats(value) if field == "formats" else value


def contains_values(terms: OpenedCredential) -> bool:
    """Return whether a dataset credential contains values or paths of its data, or may do so."""
    try:
        terms.claims_as(DATASET)
    except FormatError:
        return True
    subject: Any = terms.parsed().members["credentialSubject"]
    stated = [one for one in subject["descriptor"] if one["state"] == "value"]
    return (
        any(without_values(one["field"], one["value"]) != one["value"] for one in stated)
        or any("select" in one for one in subject["licence"]["partitions"])
        or any("parameters" in one.get("recipe", ()) for one in subject.get("quality", ()))
    )


def _statistics(value: Any) -> JSON:
    if not isinstance(value, dict):
        return _UNKNOWN
    found = {name: value[name] for name in _STATISTICS if name in value}
    if isinstance(value.get("labels"), list):
        found["distinctLabels"] = len(value["labels"])
    return found


def _formats(value: Any) -> JSON:
    counts: Counter[str] = Counter()
    try:
        for one in value:
            counts[one["suffix"] if one["suffix"] in SUFFIXES else "other"] += one["files"]
    except (LookupError, TypeError):
        return _UNKNOWN
    return [{"suffix": name, "files": counts[name]} for name in sorted(counts)]
