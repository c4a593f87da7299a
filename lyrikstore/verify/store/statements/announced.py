"""Checks of a run's announcements against its config and its inputs (spec §11.7.1)."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.text import pluralize
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.verify.evaluation.choice.candidates import BLEND, CHEAP, FORMAT_IDS, NAMES
from lyrikstore.verify.store.statements.segments import steps_of

_REF = re.compile(r"(?P<name>([a-z0-9][a-z0-9._-]*/){1,2}[a-z0-9][a-z0-9._-]*)(~[0-9]+)?")
"""A reference by name, with steps back; ids have no slash."""

_NO_BASE = "linear"
_BOUNDS = {"at_least": "atLeast", "at_most": "atMost"}


def find_announced_faults(
    run: Manifest, manifest_of: Callable[[Digest], Manifest | None]
) -> Iterator[str]:
    """Yield each contradiction between a run and its config or its inputs.

    Args:
        run: The manifest. Its config may be anything; the members that it has are checked.
        manifest_of: Gives a manifest that it names; None if it cannot be followed.
    """
    body, config = run.body, run.body["config"]
    foreign = "execution" in body
    for role in ("train", "validation"):
        read = [manifest_of(item.id) for item in run.inputs_in(role)]
        known = [one for one in read if one is not None]
        said = body["order"]["records"].get(role)
        # ATTACK A91: a model of nothing, said to have learned from a million records.
        if len(known) == len(read) and said is not None:
            follows = sum(one.body["records"] for one in known)
            if said != follows:
                yield f"its {role} inputs have {pluralize(follows, 'record')}, and its order {said}"
    data, base = _section(config, "data"), _section(config, "model").get("base")
    named = {role: data.get(role) for role in ("train", "validation", "test")}
    for role, refs in {**named, "base": None if base == _NO_BASE else base}.items():
        if not _are_named(refs, run, role, manifest_of):
            yield f"its {role} inputs are not those of its config"
    training = _section(config, "training")
    # A command gets no seed.
    seed = 0 if foreign else training.get("seed", body["seed"])
    if body["seed"] != seed:
        yield "its seed is not that of its config"
    if config.get("purpose", body["purpose"]) != body["purpose"]:
        yield "its purpose is not that of its config"
    if "name" in config and body["plannedOutputs"] != [config["name"]]:
        yield "its outputs are not those of its config"
    if config.get("task", body.get("task")) != body.get("task"):
        yield "its task is not that of its config"
    # ATTACK A91: what an evaluation has to reach, said when it is known what it reaches.
    if body.get("thresholds", []) != thresholds_of(config):
        yield "its thresholds are not those of its config"
    environment = body["environment"]
    if "threads" in training and not foreign and training["threads"] != environment["threads"]:
        yield "its threads are not those of its config"
    precision = training.get("precision", "auto")
    if precision != "auto" and environment.get("precision", precision) != precision:
        yield "its precision is not that of its config"
    yield from _candidate_faults(body, config)
    yield from _folds_faults(body, config)
    yield from _replay_faults(body, config)


def thresholds_of(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return ``thresholds`` of a run, as its config declares them."""
    found = config.get("threshold", ())
    return [
        {_BOUNDS.get(str(name), str(name)): value for name, value in one.items()}
        for one in (found if isinstance(found, list) else ())
        if isinstance(one, dict)
    ]


def _candidate_faults(body: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    tried = [one["format"] for one in body.get("candidates", ())]
    named = _section(config, "model").get("candidates")
    if not tried or not isinstance(named, list) or not named:
        return
    names = [NAMES.get(one, one) for one in tried]
    wanted = {one for one in named if isinstance(one, str) and one in FORMAT_IDS}
    # What a blend joins is trained for it, even where nobody names it.
    parts = set(CHEAP) if BLEND in named else set()
    if len(set(names)) != len(names) or not wanted <= set(names) <= wanted | parts:
        yield "its candidates are not those of its config"


def _folds_faults(body: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    # ATTACK A158: a model that knows the validation records, and says that it never saw them.
    refit = "folds" in body and _section(config, "training").get("refit", True) is not False
    if body.get("refit", False) != refit:
        yield "whether it is learned anew from all records is not what its config says"
    if "folds" not in body:
        return
    from lyrikstore.verify.evaluation.choice.folds import repeats_of

    folds, tried = body["folds"], {one["format"] for one in body.get("candidates", ())}
    count = sum(body["order"]["records"].get(one, 0) for one in ("train", "validation"))
    # ATTACK A156: dealt as often as suits a candidate.
    if folds["repeats"] != repeats_of(count):
        yield "its folds are not dealt as often as its records want"
    cheap = {one for one in tried if NAMES.get(one) in CHEAP}
    known = {one for one in tried if NAMES.get(one, BLEND) != BLEND}
    if not cheap <= set(folds["candidates"]) <= known:
        yield "what it compares by folds are not its candidates, or not all that it has to"


def _replay_faults(body: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    tolerances, wanted = body.get("tolerances", {}), _section(config, "tolerances")
    limits = list(tolerances.get("differences", {}).values())
    for said, follows in (
        (tolerances.get("weightsAbsolute"), wanted.get("weights_absolute")),
        (tolerances.get("weightsRelative"), wanted.get("weights_relative")),
        *((one, wanted.get("metric")) for one in limits or [None]),
    ):
        if follows is not None and said != follows:
            yield "its tolerances are not those of its config"
    training, steps = _section(config, "training"), _section(config, "replay").get("steps", 0)
    records = body["order"]["records"].get("train", 0)
    size, epochs = (training.get(name, 0) for name in ("batch_size", "epochs"))
    times = training.get("accumulate", 1)
    # ATTACK A164: segments as long as if every part of a step were one, of which fewer are drawn.
    if all(type(one) is int for one in (size, times, epochs, steps)) and min(size, times) > 0:
        follows = steps_of(steps, records, size * times, epochs) if steps else None
        if body.get("segments", {}).get("steps") != follows:
            yield "its segments are not those of its config"
    prompt, asked = body.get("prompt", {}), _section(config, "prompt")
    for name in ("choices", "system"):
        if "prompt" in body and prompt.get(name) != (asked.get(name) or None):
            yield f"the {name} of its prompt are not those of its config"


def _are_named(
    refs: Any, run: Manifest, role: str, manifest_of: Callable[[Digest], Manifest | None]
) -> bool:
    """Return whether the inputs in a role have the names in a config, if the config names them."""
    named = [refs] if isinstance(refs, str) else refs
    if not isinstance(named, list):
        return True
    inputs = [manifest_of(item.id) for item in run.inputs_in(role)]
    return len(named) == len(inputs) and all(
        one is None or _is_called(one, ref) for one, ref in zip(inputs, named, strict=True)
    )


def _is_called(manifest: Manifest, ref: Any) -> bool:
    found = _REF.fullmatch(ref) if isinstance(ref, str) else None
    if found is None:  # an id, or the beginning of one
        return True
    name = found["name"]
    return manifest.name == (name if name.count("/") == 2 else f"datasets/{name}")


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = config.get(name)
    return found if isinstance(found, dict) else {}
