"""Every member of every signed body, changed in turn and signed again: found, or named.

What no check finds has to stand in ``spec/stated.json``, which ``verify`` says among what is not
proven; and nothing that a check finds may stand there. To update that list:

1. Run this file with ``--ci``. A new kind needs an honest manifest in ``honest.py`` first, and a
   new member one that has it, so that it can be changed; where that is not possible, and another
   test changes it, put it into ``ELSEWHERE``.
2. A member that ``test_what_no_check_finds_is_named`` prints follows from other bytes: then it
   wants a check. Or it does not: then list it, with the reason in plain words.
3. A member that ``test_what_a_check_finds_is_not_named`` prints goes off the list; where it stands
   for others below it, list those that are left.
"""

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.schemas import check_schema
from lyrikstore.history.manifests.kinds import KINDS
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.stated import STATED
from tests.verify.store.honest import HONEST, Honest

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"
RULES = ("genesis", "policy")
"""Kinds that are rules themselves: nobody can sign them again, or what follows is another store."""

IN_PART = {"checkpoint": ["chosen.candidates[].settings.C"], "submission": ["decisions"]}
"""Kind → members of which a check finds some other values alone; they stay on the list."""

ELSEWHERE: Mapping[str, Mapping[str, str]] = {
    "dataset": {
        "companions": "test_datasets",
        "derivation": "test_datasets",
        "fields.labelSeparator": "test_datasets",
        "metadata.columns": "test_datasets",
        "metadata.orphanFiles": "test_datasets",
        "metadata.orphanRows": "test_datasets",
        "skipped": "test_datasets",
        "fields.id": "test_datasets",
    },
    "card": {"answers": "test_check", "leftOut": "test_check", "withData": "test_check"},
    "deployment": {
        "limits": "test_vectors_of_deployments",
        "decision.threshold": "test_vectors_of_deployments",
        "decision.atLeastOne": "test_vectors_of_deployments",
        "decision.grammar": "test_vectors_of_deployments",
        "unlike": "test_vectors_of_deployments",
        "decision.limitFrom": "test_vectors_of_deployments",
    },
    "checkpoint": {
        "origin": "test_statements",
        "text": "test_announced",
        "operation": "test_statements",
        "decision.threshold": "test_signed_again",
        "decision.atLeastOne": "test_signed_again",
        "decision.limitFrom": "test_signed_again",
        "decision.grammar": "",
        "chosen.candidates[].base": "",
        "chosen.candidates[].other": "test_choices",
        "chosen.candidates[].reason": "",
        "segments": "test_statements",
        "prompt": "test_statements",
        "unlike": "test_unlike",
    },
    "run": {
        "rights": "test_rights",
        "without": "test_freed_rights",
        "candidates[].base": "",
        "candidates[].config": "",
        "folds.count": "test_choices",
        "thresholds": "test_announced",
        "segments.steps": "test_announced",
        "execution.observed": "test_statements",
        "prompt": "test_statements",
    },
    "withdrawal": {"successor": "test_events"},
    "timestamp": {"response": "test_stamps", "cosignature": "test_witness"},
    "evaluation": {
        "answers": "test_given",
        "against": "test_brought",
        "backfill": "test_periods",
        "without": "test_freed_rights",
        "overlap.unread": "test_overlap_data",
        "confidence": "test_recompute",
        "purpose": "test_evaluations",
        "outsideChoices": "test_generations",
        "prompt": "test_generations",
        "rights": "test_evaluations",
        "baselines": "test_recompute",
        "thresholds": "test_recompute",
        "costs.mistakes": "test_recompute",
        "coverageAt": "test_recompute",
        "comparisons[].over": "test_recompute",
        "worst": "test_recompute",
        "model.measures": "test_recompute",
        "baseline": "test_recompute",
        "majority": "test_recompute",
        "unlike": "test_unlike",
        "drift.unlikeShare": "test_unlike",
        "drift.unlikeShift": "test_unlike",
    },
    "reproduction": {
        "reasons": "test_reproduce",
        "environment": "test_reproduce",
        "compared": "test_reproduce",
        "segments": "test_statements",
    },
    "review": {"figures.overrides": "test_figures"},
    "records": {"roots[].type": ""},
    "rules": {"facts": ""},
    "decision": {"engine": ""},
}
"""Kind → member that no manifest here has, or not so that it can be changed alone → the test that
changes it; without one it is reserved, and nothing follows from it (6.1.1)."""

Path_ = tuple[str | int, ...]

COPIES: Mapping[str, Mapping[Path_, Path_]] = {
    "filter": {("recipe", "step"): ("steps",), ("steps",): ("recipe", "step")}
}
"""Kind → place → place of the same body that says the same: whoever lies changes both."""


def schema_of(kind: str) -> dict[str, Any]:
    found = KINDS[kind]
    return json.loads((SCHEMAS / f"{found.schema(found.newest)}.schema.json").read_text())


def resolved(schema: Any, root: Mapping[str, Any]) -> dict[str, Any]:
    while isinstance(schema, dict) and "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema if isinstance(schema, dict) else {}


def named(path: Path_) -> str:
    """Return a place in a body as the list names it."""
    text = ""
    for at, part in enumerate(path):
        if isinstance(part, int):
            text += "[]"
        else:
            of_label = at and path[at - 1] == "perClass"
            text += ("." if text else "") + ("*" if of_label else part)
    return text


def places(value: Any, schema: Any, root: Mapping[str, Any], path: Path_ = ()) -> Iterator[Path_]:
    """Yield every place of a body that can be changed by itself: values, and lists as such."""
    schema = resolved(schema, root)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        more = schema.get("additionalProperties", {})
        for name, inner in value.items():
            yield from places(inner, known.get(name, more), root, (*path, name))
        if not value:
            yield path
    elif isinstance(value, list) and value and isinstance(value[0], dict | list):
        yield path
        for at, inner in enumerate(value):
            yield from places(inner, schema.get("items", {}), root, (*path, at))
    else:
        yield path


def members(schema: Any, root: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield the names of all members that a schema knows, the innermost alone."""
    schema = resolved(schema, root)
    inner = list(schema.get("properties", {}).items())
    if inner:
        for name, one in inner:
            yield from members(one, root, f"{path}.{name}" if path else name)
    elif isinstance(schema.get("items"), dict) and resolved(schema["items"], root).get(
        "properties"
    ):
        yield from members(schema["items"], root, f"{path}[]")
    else:
        yield path


def at(body: Any, path: Path_) -> Any:
    for part in path:
        body = body[part]
    return body


def put(body: Any, path: Path_, value: Any) -> Any:
    """Return a copy of a body with another value at a place."""
    made = copy.deepcopy(body)
    at(made, path[:-1])[path[-1]] = value
    return made


def copies_of(kind: str, place: Path_) -> Iterator[Path_]:
    """Yield the places of a body that say the same as a place."""
    for one, other in COPIES.get(kind, {}).items():
        if place[: len(one)] == one:
            yield (*other, *place[len(one) :])


LEFT_OUT: Any = object()
"""What takes the place of a value that is left out."""


def without(body: Any, path: Path_) -> Any:
    """Return a copy of a body without what is at a place."""
    made = copy.deepcopy(body)
    del at(made, path[:-1])[path[-1]]
    return made


def others(value: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    """Yield values that may be there instead, the most telling first."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 7, value + 1, value - 1)
    elif isinstance(value, list):
        if value:
            yield value[:-1]
            yield value[1:]
            yield value[::-1]
            if isinstance(value[0], str):
                yield [*value[:-1], f"{value[-1]}x"]
                yield [*value, "other"]
        else:
            yield from (["other"], [1])
    elif isinstance(value, dict):
        yield {**value, "other": "other"}
    elif "enum" in schema:
        yield from (one for one in schema["enum"] if one != value)
    else:
        yield from other_texts(str(value))
    yield LEFT_OUT


def other_texts(value: str) -> Iterator[str]:
    if re.fullmatch(r"blake3:[0-9a-f]{64}", value):
        yield str(Digest.of(b"another"))
    if value.startswith("did:key:"):
        yield signer_for("another").did
    if re.fullmatch(r"[0-9a-f]{32,64}", value):
        yield "0" * len(value)
    if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
        digits = len(value.partition(".")[2])
        yield f"{float(value) + 0.1:.{digits}f}"
        yield f"{float(value) - 0.1:.{digits}f}"
        yield f"{float(value) + 1:.{digits}f}"
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T.*Z)?", value):
        yield f"{int(value[:4]) + 1}{value[4:]}"
    if re.fullmatch(r"[a-z0-9-]+/[0-9]+", value):
        yield f"{value}0"
    yield f"{value}x"
    yield "other"


def schema_at(path: Path_, schema: Any, root: Mapping[str, Any]) -> dict[str, Any]:
    for part in path:
        schema = resolved(schema, root)
        inner = schema.get("items") if isinstance(part, int) else schema.get("properties", {}).get(
            part, schema.get("additionalProperties", {})
        )  # fmt: skip
        schema = inner if isinstance(inner, dict) else {}
    return resolved(schema, root)


def forged(honest: Honest, name: str, places_of: list[Path_]) -> dict[str, list[Digest]]:
    """Sign what is there under a name again, once for every place; return member → ids."""
    manifest = honest.store.resolve(name)
    schema = schema_of(manifest.kind)
    bodies, called = [], []
    for place in places_of:
        for value in others(at(manifest.body, place), schema_at(place, schema, schema)):
            if value == at(manifest.body, place):
                continue
            body = manifest.body
            for one in (place, *copies_of(manifest.kind, place)):
                body = without(body, one) if value is LEFT_OUT else put(body, one, value)
            try:
                honest.try_to_sign(manifest, body)
            except LyrikstoreError:  # no such body may be
                continue
            bodies.append(body)
            called.append(named(place))
            break
    found: dict[str, list[Digest]] = {}
    for member, identity in zip(
        called, honest.sign_all(name, [*bodies, manifest.body]), strict=False
    ):
        found.setdefault(member, []).append(identity)
    return found


def is_below(member: str, listed: Iterable[str]) -> bool:
    return any(member == one or member.startswith((f"{one}.", f"{one}[")) for one in listed)


def is_listed(kind: str, member: str) -> bool:
    return is_below(member, STATED.get(kind, {}))


@pytest.fixture(scope="module")
def found(honest: Honest) -> dict[str, dict[str, bool]]:
    """Kind → member → whether ``verify`` finds it changed, in one honest manifest at least."""
    results: dict[str, dict[str, bool]] = {}
    for name in HONEST:
        manifest = honest.store.resolve(name)
        assert honest.store.verify(name).verdict == "trusted", name
        schema = schema_of(manifest.kind)
        kind = results.setdefault(manifest.kind, {})
        first: dict[str, Path_] = {}
        for place in places(manifest.body, schema, schema):
            first.setdefault(named(place), place)
        rest = [place for one, place in first.items() if not kind.get(one)]
        for member, ids in forged(honest, name, rest).items():
            for identity in ids:
                report = honest.store.verify(str(identity))
                kind[member] = kind.get(member, False) or report.verdict != "trusted"
    return results


@pytest.mark.train
@pytest.mark.ci
def test_what_no_check_finds_is_named(found: dict[str, dict[str, bool]]) -> None:
    missed = {
        kind: sorted(
            one for one, is_found in some.items() if not is_found and not is_listed(kind, one)
        )
        for kind, some in found.items()
    }
    assert {kind: some for kind, some in missed.items() if some} == {}


@pytest.mark.train
@pytest.mark.ci
def test_what_a_check_finds_is_not_named(found: dict[str, dict[str, bool]]) -> None:
    listed = {
        kind: sorted(
            one
            for one, is_found in some.items()
            if is_found and is_listed(kind, one) and one not in IN_PART.get(kind, ())
        )
        for kind, some in found.items()
    }
    assert {kind: some for kind, some in listed.items() if some} == {}


@pytest.mark.train
@pytest.mark.ci
def test_every_member_of_every_schema_was_looked_at(found: dict[str, dict[str, bool]]) -> None:
    unseen = {}
    for kind, changed in found.items():
        schema = schema_of(kind)
        unseen[kind] = [
            one
            for one in members(schema, schema)
            if not any(is_below(each, [one]) for each in changed)
            and not is_listed(kind, one)
            and not is_below(one, ELSEWHERE.get(kind, {}))
        ]
    assert {kind: some for kind, some in unseen.items() if some} == {}
    assert set(KINDS) - set(found) == set(RULES)


def test_what_is_listed_is_there() -> None:
    check_schema(json.loads((SCHEMAS.parent / "spec" / "stated.json").read_text()), "stated")
    tests = {path.stem for path in Path(__file__).resolve().parents[2].rglob("test_*.py")}
    assert {name for some in ELSEWHERE.values() for name in some.values()} <= {*tests, ""}
    assert set(STATED) == set(KINDS)
    for kind, listed in STATED.items():
        schema = schema_of(kind)
        known = list(members(schema, schema))
        assert all(listed.values())
        for one in listed:
            others_ = [each for each in listed if each != one]
            assert not is_below(one, others_), one
            assert any(is_below(each, [one]) or is_below(one, [each]) for each in known), one
