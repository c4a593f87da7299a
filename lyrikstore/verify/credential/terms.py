"""Checks of a credential's statements on use, age and law (spec §11.4.6).

No check can show that these statements are true. The checks can show that they are complete, that
they agree with the data and the manifest, who states them, and since when.
"""

from collections.abc import Container, Mapping, Sequence
from functools import partial
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import name_some, quote
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.model.dataset import collected_too_late
from lyrikstore.credentials.terms.model import Partition, Terms
from lyrikstore.credentials.terms.partitioning import assign, extents
from lyrikstore.credentials.terms.vocabulary import limit_words
from lyrikstore.history.trees.tree import Tree
from lyrikstore.verify.report import (
    Check,
    CheckState,
    Words,
    failed,
    not_applicable,
    passed,
    stated,
    unchecked,
)


def check_terms(terms: Terms) -> Check:
    """Return the check ``terms``: the permitted uses that the signer states, in one line."""
    return Check("terms", CheckState.STATED, partial(_say_terms, terms))


def _say_terms(terms: Terms) -> Words:
    if len(terms.partitions) == 1:
        summary = _words(terms.partitions[0])
    else:
        shown = "; ".join(f"{part.name}: {_words(part)}" for part in terms.partitions[:3])
        more = len(terms.partitions) - 3
        summary = f"{pluralize(len(terms.partitions), 'partition')}; {shown}"
        summary += f"; and {more} more" if more > 0 else ""
    detail: dict[str, JSON] = {
        "permits": list(terms.permits),
        "prohibits": list(terms.prohibits),
        "requires": list(terms.requires),
        "partitions": [_unselected(part) for part in terms.partitions],
    }
    if terms.licence is not None:
        detail["licence"] = terms.licence
    return summary, detail


def is_text_name(name: str) -> bool:
    """Return whether a sibling file has the name that deliveries give a licence text."""
    return name == "LICENCE.txt" or (name.startswith("LICENCE-") and name.endswith(".txt"))


def check_texts(
    terms: Terms, check: Check, found: Container[Digest], names: Mapping[str, Digest]
) -> Check:
    """Return ``check`` if the delivery contains the licence texts that the terms name.

    Args:
        terms: The terms of the credential.
        check: The result of :func:`check_terms`.
        found: Digests of the sibling files of the credential.
        names: Names of sibling files that have one, each with its file's digest.
    """
    missing = [identity for identity in terms.texts if identity not in found]
    other = sorted(
        name for name, digest in names.items() if is_text_name(name) and digest not in terms.texts
    )
    if missing and other:
        summary = f"{check.summary}; {quote(other[0])} is not the text named: it was altered"
        return unchecked("terms", "altered", summary, **check.detail)
    if missing:
        named = terms.texts[missing[0]]
        what = "the licence text" if named is None else f"the text of {quote(named)}"
        summary = f"{check.summary}; {what} is not beside the credential"
        return unchecked("terms", "missing-file", summary, **check.detail)
    if not terms.texts:
        return check
    texts = (
        "the licence text is the one" if len(terms.texts) == 1 else "the licence texts are those"
    )
    return stated("terms", f"{check.summary}; {texts} named", **check.detail)


def check_partitions(
    subject: Mapping[str, Any], terms: Terms, tree: Tree | None, counts: Sequence[int] | None
) -> Check:
    """Return ``terms.partitions``: whether each file is in one partition, and the counts are right.

    Args:
        subject: The credential's subject.
        terms: Its terms.
        tree: The tree that it names, or None if it is not available.
        counts: Number of records of each file, in tree order; None if records were not read.
    """
    if tree is None:
        return unchecked("terms.partitions", "missing-file", "no sound list of files to divide")
    try:
        numbers = assign(tree, terms.partitions)
    except FormatError as error:
        return failed("terms.partitions", error.kind, quote(error.message, 300))
    claims = subject["licence"]["partitions"]
    records = None if counts is None else _records(numbers, counts, len(claims))
    wrong: list[JSON] = []
    for at, (extent, said) in enumerate(
        zip(extents(tree, numbers, len(claims)), claims, strict=True)
    ):
        found: dict[str, str] = {"files": str(extent.files), "bytes": str(extent.bytes)}
        claimed = {"files": str(said["fileCount"]), "bytes": said["byteSize"]}
        if records is not None:
            found["records"], claimed["records"] = str(records[at]), said["recordCount"]
        wrong += [
            {
                "partition": said["name"],
                "what": what,
                "claimed": claimed[what],
                "found": found[what],
            }
            for what in found
            if found[what] != claimed[what]
        ]
    if wrong:
        names = sorted({str(item["partition"]) for item in wrong if isinstance(item, dict)})
        summary = f"other files than claimed are in partition {name_some(names)}"
        return failed("terms.partitions", "differs", summary, partitions=wrong)
    whole = (
        f"of {pluralize(len(tree), 'file')} each is in one of {pluralize(len(claims), 'partition')}"
    )
    if len(claims) == 1:
        whole = f"one set of terms for {pluralize(len(tree), 'file')}"
    if records is None:
        summary = f"{whole}; their records were not counted"
        return unchecked("terms.partitions", "not-recomputed", summary)
    return passed("terms.partitions", whole, partitions=len(claims))


def check_age(subject: Mapping[str, Any], logged: Check) -> Check:
    """Return ``age``: the claimed period, and separately the evidence of existence.

    Args:
        subject: The credential's subject.
        logged: The check ``log.inclusion``.
    """
    claimed: dict[str, JSON] = {k: v for k, v in subject["age"].items() if k != "type"}
    existence: dict[str, JSON] = {"shownBy": "nothing", "notLaterThan": "not proven"}
    shown = "that it existed by some date is not proven"
    if logged.state is CheckState.PASS:
        place = subject["log"]
        existence.update(shownBy="log-inclusion", origin=place["origin"], index=place["index"])
        shown = (
            f"it existed when entry {place['index']} of its log was made; by which date is not "
            "proven: no witness and no time stamp says so"
        )
    first, last = claimed.get("collectedFrom"), claimed.get("collectedUntil")
    if collected_too_late(subject["age"]):
        summary = f"collected until {last}, after this version was made, {claimed['snapshotAt']}"
        return failed("age", "contradiction", summary, claimed=claimed, existence=existence)
    period = "".join(f" {word} {day}" for word, day in (("from", first), ("until", last)) if day)
    said = f"claimed: collected{period}" if period else "no period of collection is claimed"
    return stated("age", f"{said}; {shown}", claimed=claimed, existence=existence)


def check_regulatory(subject: Mapping[str, Any], issuer: str | None, valid_from: str) -> Check:
    """Return ``regulatory``: legal statements, each with its basis and the party warranting it.

    Args:
        subject: The credential's subject.
        issuer: The issuer's DID.
        valid_from: The credential's ``validFrom``.
    """
    statements: list[Mapping[str, Any]] = subject.get("regulatory", [])
    if not statements:
        return not_applicable("regulatory", "no statement about laws")
    begins = valid_from[:10]
    later = [item for item in statements if item["asOf"] > begins]
    if later:
        summary = f"{quote(later[0]['regime'])} is judged as of {later[0]['asOf']}, after it begins"
        return failed("regulatory", "future", summary)
    others = [item for item in statements if item["warrantedBy"].get("did") != issuer]
    state = CheckState.WARN if others else CheckState.STATED
    return Check("regulatory", state, partial(_say_law, statements, issuer, len(others)))


def _say_law(statements: list[Mapping[str, Any]], issuer: str | None, others: int) -> Words:
    summary = "; ".join([_statement(item, issuer) for item in statements[:3]])
    summary += f"; and {len(statements) - 3} more" if len(statements) > 3 else ""
    detail: dict[str, JSON] = {
        "statements": [dict(item) for item in statements],
        "byOthers": others,
    }
    if others:
        summary += "; whoever is named did not sign it"
        detail = {"reason": "unsigned-warrant", **detail}
    return summary, detail


def _statement(item: Mapping[str, Any], issuer: str | None) -> str:
    party = item["warrantedBy"]
    if party.get("did") == issuer:
        who = "by the issuer"
    else:
        who = f"by {quote(party.get('name', party.get('did')))}, so the issuer says,"
    return (
        f"{quote(item['regime'])}: {quote(item['status'])} on the basis of {quote(item['basis'])}, "
        f"warranted {who} as of {item['asOf']}"
    )


def _words(partition: Partition) -> str:
    parts = [f"permits {', '.join(map(quote, partition.permits)) or 'nothing'}"]
    if partition.prohibits:
        parts.append(f"prohibits {', '.join(map(quote, partition.prohibits))}")
    if partition.requires:
        parts.append(f"requires {', '.join(map(quote, partition.requires))}")
    if limits := partition.limits.to_json():
        del limits["type"]
        shown = [f"{name} {', '.join(limit_words(name, limits[name]))}" for name in limits]
        parts.append(f"only {', '.join(shown)}")
    return "; ".join(parts)


def _unselected(partition: Partition) -> dict[str, JSON]:
    members = partition.to_json()
    members.pop("select", None)
    return members


def _records(numbers: bytes, counts: Sequence[int], partitions: int) -> list[int]:
    totals = [0] * partitions
    for number, count in zip(numbers, counts, strict=True):
        totals[number] += count
    return totals
