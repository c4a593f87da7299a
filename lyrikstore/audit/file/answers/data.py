"""Answers about data: where it came from, what filters did, what changed (spec §22.6)."""

from collections.abc import Iterator, Mapping
from typing import Any

from lyrikstore.audit.file.answers.known import Known, LoggedCredential, listed, text_of
from lyrikstore.audit.file.answers.tables import AnswerRows, EvidenceRow, row
from lyrikstore.history.manifests.manifest import Manifest

_PERSONAL = ("redact/", "scan/")
"""How the names of steps begin that look for personal data."""


def sources(known: Known) -> AnswerRows:
    """Answer which data everything came from."""
    return AnswerRows({"sources": [_source(known, one) for one in _sources(known)]})


def _sources(known: Known) -> Iterator[Manifest]:
    return (one for one in known.manifests("dataset") if one.body["origin"] != "filtered")


def _source(known: Known, one: Manifest) -> EvidenceRow:
    body = one.body
    sizes = (text_of(body[name]) for name in ("records", "fileCount", "bytes"))
    signed = known.who(one.author), one.created
    return row([known.at(one)], known.called(one.id), body["origin"], *sizes, *signed)


def licences(known: Known) -> AnswerRows:
    """Answer how many records are under which licence."""
    return AnswerRows(
        {"licences": [one for source in _sources(known) for one in _licences(known, source)]}
    )


def _licences(known: Known, source: Manifest) -> Iterator[EvidenceRow]:
    at, name = known.at(source), known.called(source.id)
    stated = source.body.get("licence")
    if stated is not None:
        cells = (
            text_of(source.body["records"]),
            stated["expression"],
            "",
            known.who(source.author),
        )
        yield row([at], name, "", *cells)
    for one in known.about(source):
        terms = _terms(one)
        for part in terms.get("partitions", ()):
            licence = part.get("licence", terms.get("licence"))
            cells = (
                text_of(part.get("recordCount")),
                text_of(licence),
                listed(part.get("permits", ())),
                known.who(one.issuer),
            )
            yield row([at, one.index], name, text_of(part.get("name")), *cells)


def _terms(one: LoggedCredential) -> Mapping[str, Any]:
    terms = one.subject.get("licence")
    return terms if isinstance(terms, dict) else {}


def filters(known: Known) -> AnswerRows:
    """Answer which filters ran, with which parameters and versions."""
    steps, programs = [], []
    for one in known.manifests("filter"):
        at, name = known.at(one), known.called(one.id)
        for number, step in enumerate(one.body["steps"], 1):
            params = {word: value for word, value in step.items() if word != "use"}
            cells = (step["use"], text_of(params) if params else "")
            steps.append(row([at], name, str(number), *cells))
        programs.append(row([at], name, "engine", one.body["engine"]))
        for library, version in sorted(one.body.get("libraries", {}).items()):
            programs.append(row([at], name, library, text_of(version)))
        models = one.body.get("models", ())
        programs += (row([at], name, each["name"], each["version"]) for each in models)
    return AnswerRows({"steps": steps, "programs": programs})


def _filtered(known: Known) -> Iterator[Manifest]:
    return (one for one in known.manifests("dataset") if "derivation" in one.body)


def _filter_of(known: Known, one: Manifest) -> tuple[list[int], str]:
    """Return the log indices of a filtered dataset and its filters, and their names."""
    used = one.inputs_in("filter")
    present = [item.id for item in used if known.get(item.id) is not None]
    return [known.at(one), *map(known.at, present)], listed(known.called(item.id) for item in used)


def dropped(known: Known) -> AnswerRows:
    """Answer what each filter dropped, why, and how many."""
    counts: list[EvidenceRow] = []
    reasons: list[EvidenceRow] = []
    for one in _filtered(known):
        derivation, name = one.body["derivation"], known.called(one.id)
        log, used = _filter_of(known, one)
        numbers = derivation["counts"]
        cells = (text_of(numbers.get(word, 0)) for word in _COUNTS)
        counts.append(row(log, name, used, *cells))
        reasons += _reasons(known, one, ("dropped", "changed"))
    return AnswerRows({"counts": counts, "reasons": reasons})


_COUNTS = ("in", "kept", "dropped", "changed", "elsewhere", "made")


def _reasons(known: Known, one: Manifest, words: tuple[str, ...]) -> Iterator[EvidenceRow]:
    for word in words:
        for reason, count in sorted(one.body["derivation"].get(word, {}).items()):
            yield row([known.at(one)], known.called(one.id), word, reason, text_of(count))


def dropped_list(known: Known) -> AnswerRows:
    """Answer where the list of what was dropped is."""
    rows = [
        row([known.at(one)], known.called(one.id), str(item.id), str(item.bytes))
        for one in _filtered(known)
        for item in one.attachments_in("decisions")
    ]
    return AnswerRows({"lists": rows}, "stays" if rows else "")


def document(known: Known) -> AnswerRows:
    """Answer whether a certain document was in it."""
    rows = []
    for one in known.manifests("records"):
        about = one.inputs_in("dataset")[0].id
        for root in one.body["roots"]:
            cells = (root["type"], root["root"], text_of(root["count"]))
            rows.append(row([known.at(one)], known.called(about), *cells))
    return AnswerRows({"roots": rows}, "stays" if rows else "")


def overlap(known: Known) -> AnswerRows:
    """Answer whether test data was seen in training."""
    rows = []
    for one in known.manifests("evaluation"):
        found = one.body.get("overlap")
        if found is None:
            continue
        near = found.get("near", {})
        model = known.called(one.inputs_in("checkpoint")[0].id)
        how = listed(word for word in (found.get("checked"), near.get("method")) if word)
        cells = (text_of(one.body["count"]), text_of(found["exact"]), text_of(near.get("count")))
        rows.append(row([known.at(one)], known.called(one.id), model, *cells, how))
    return AnswerRows({"overlap": rows})


def personal(known: Known) -> AnswerRows:
    """Answer which personal data was found and removed."""
    detectors = []
    looked = set()
    for one in known.manifests("filter"):
        for step in one.body["steps"]:
            if step["use"].startswith(_PERSONAL):
                looked.add(one.id)
                cells = (listed(step.get("kinds", ())), listed(step.get("detectors", ())))
                called = known.called(one.id)
                detectors.append(row([known.at(one)], called, step["use"], *cells))
    found = [
        reason
        for one in _filtered(known)
        if looked.intersection(item.id for item in one.inputs_in("filter"))
        for reason in _reasons(known, one, ("changed", "reported"))
    ]
    return AnswerRows({"found": found, "detectors": detectors})


def missed(known: Known) -> AnswerRows:
    """Answer what the search for personal data missed, as others attest."""
    rows = []
    for one in known.of_type("AttestationCredential"):
        stated = one.subject.get("attestation")
        if not isinstance(stated, dict) or stated.get("kind") != "deidentification":
            continue
        for result in stated.get("results", ()):
            cells = (
                text_of(one.subject.get("name")),
                known.who(one.issuer),
                text_of(result.get("metric")),
                text_of(result.get("value")),
                text_of(stated.get("method")),
                listed(stated.get("limitations", ())),
            )
            rows.append(row([one.index], *cells))
    return AnswerRows({"findings": rows})


def versions(known: Known) -> AnswerRows:
    """Answer what changed between versions."""
    rows = []
    for one in known.manifests("dataset", "checkpoint", "filter", "card"):
        for parent in one.parents:
            before = known.get(parent)
            if before is None:
                continue
            sizes = (
                text_of(each.body.get(word))
                for word in ("records", "bytes")
                for each in (before, one)
            )
            short = (before.id.short, one.id.short)
            rows.append(
                row([known.at(before), known.at(one)], one.name, *short, *sizes, one.message)
            )
    return AnswerRows({"versions": rows})
