"""Views of runs, checkpoints, evaluations, cards, approvals and deployments."""

from collections.abc import Iterator, Mapping
from typing import Any

from lyrikstore.api import Manifest
from lyrikstore.canon.text import pluralize
from lyrikstore.verify.evaluation.choice.candidates import BLEND, CHEAP, NAMES
from lyrikstore.verify.evaluation.choice.passed_over import candidates_of
from lyrikstore_cli.commands.show.view import (
    Called,
    PageText,
    count_words,
    descriptor_rows,
    member_rows,
    right_rows,
    unknown_fields,
    value_words,
)
from lyrikstore_cli.external_program import execution_line

_TRAINING = "that training ran as stated: lyrikstore reproduce REF repeats it"


def run(manifest: Manifest, called: Called) -> PageText:
    """Return the view of a run."""
    body = manifest.body
    what = [
        ("for", body["purpose"]),
        *member_rows(body, "task", "stage"),
        ("makes", ", ".join(body["plannedOutputs"])),
        *((f"config {name}", value_words(one)) for name, one in body["config"].items()),
        *(("candidate", value_words(one)) for one in body.get("candidates", ())),
        *((("by folds", value_words(body["folds"])),) if "folds" in body else ()),
        *_refit_rows(body),
        *(("promised", value_words(one)) for one in body.get("thresholds", ())),
        ("seed", str(body["seed"])),
        ("code", f"{body['code']['package']} {body['code']['version']}"),
        *member_rows(body, "repository"),
    ]
    if "execution" in body:
        what.append(("program", execution_line(body["execution"])))
    without = [("without", called(one["dataset"])) for one in body.get("without", ())]
    return PageText(what, [*right_rows(body, called), *without], [_TRAINING])


def _refit_rows(run_body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the candidates that would be trained on the validation records too, if chosen."""
    if "refit" not in run_body:
        return
    formats = [one["format"] for one in run_body.get("candidates", ())]
    if refitted := [one for one in formats if NAMES.get(one) in CHEAP]:  # no blend has others
        blended = " (alone or in a blend)" if BLEND in map(NAMES.get, formats) else ""
        named = f"{' or '.join(refitted)}{blended}"
        yield "refit", f"{named}, if chosen, on training and validation records"


def checkpoint(manifest: Manifest, _: Called) -> PageText:
    """Return the view of a checkpoint."""
    body = manifest.body
    labels = body.get("labels", ())
    what = [("origin", body["origin"]), ("format", body["format"]), *member_rows(body, "task")]
    if labels:
        what.append((pluralize(len(labels), "label"), value_words(list(labels))))
    what += member_rows(
        body, "text", "step", "epoch", "final", "operation", "conversion", "package", "prompt"
    )
    if body.get("metrics"):
        what.append(("measured", value_words(body["metrics"])))
    if "chosen" in body:
        chosen = body["chosen"]
        what.append(("chosen by", f"{chosen['metric']}: {chosen['reason']}"))
        what += [
            ("taken" if one.is_taken else "passed over", one.text) for one in candidates_of(chosen)
        ]
    if "refit" in body:
        tried = body.get("chosen", {}).get("candidates", ())
        other = next((one.get("other") for one in tried if one["taken"]), None)
        part = "its word counts, " if other not in {None, *CHEAP} else ""
        what.append(("refit", f"{part}after the choice, on training and validation records"))
    what += member_rows(body, "decision", "validation", "segments", "observed", "actual")
    what += descriptor_rows(body)
    rights = [("asserted", body["rights"]["asserted"])] if "rights" in body else []
    rights += [
        ("of its data", f"as its run records: lyrikstore show {one.id.short}")
        for one in manifest.inputs_in("run")
    ]
    unproven = ["its answers on other data: an evaluation covers only its test data"]
    return PageText(what, rights, [*unknown_fields(body), *unproven])


def evaluation(manifest: Manifest, called: Called) -> PageText:
    """Return the view of an evaluation."""
    from lyrikstore.verify.evaluation.words import (
        METRICS,
        drift_figures,
        figures_of,
        result_in_words,
        with_interval,
    )

    body = manifest.body
    what = [
        ("on", f"{pluralize(body['count'], 'record')} of {body['split']}"),
        *member_rows(body, "period"),
        *((METRICS[name], with_interval(one)) for name, one in figures_of(body["model"]).items()),
        *drift_figures(body),
        ("result", result_in_words(body)),
        *member_rows(body, "overlap", "slicing", "thresholds", "actual"),
    ]
    if "slices" in body:
        what.append(("slices", ", ".join(sorted({one["field"] for one in body["slices"]}))))
    worst = [("worst", value_words(one)) for one in body.get("worst", ())[:3]]
    unproven = ["that the measurement ran: lyrikstore verify REF recomputes it from predictions"]
    if "predictions" not in body:
        unproven = ["that the measurement ran: there are no predictions to recompute it from"]
    if "answers" in body:
        unproven = ["that this model gave these answers without knowing the right ones"]
    return PageText([*what, *worst], right_rows(body, called), unproven)


def card(manifest: Manifest, _: Called) -> PageText:
    """Return the view of a card."""
    body = manifest.body
    asked = [
        ("profile", f"{one['profile']} of {one['asOf']}, {one['open']} open")
        for one in body.get("profiles", ())
    ]
    what = [
        ("form", body["profile"]),
        ("holds", pluralize(body["statements"], "statement")),
        *([("of these", count_words(body["states"]))] if "states" in body else []),
        *asked,
        ("files", ", ".join(sorted(body.get("renderings", ()))) or "card"),
        *member_rows(body, "withData"),
    ]
    left = pluralize(body["notEstablished"], "statement is", "statements are")
    again = "that it matches its evidence: lyrikstore verify REF makes the card again"
    return PageText(what, [], [f"{left} not established", again])


def approval(manifest: Manifest, _: Called) -> PageText:
    """Return the view of a decision about a card."""
    body = manifest.body
    done = "withdraws an approval of" if body["decision"] == "withdraw" else "approves"
    own = "the signer's own work" if body["self"] else "the work of others, as the signer states"
    what = [(done, own), *member_rows(body, "statement")]
    return PageText(what, [], ["that two keys are two people"])


def reproduction(manifest: Manifest, _: Called) -> PageText:
    """Return the view of a reproduction."""
    body = manifest.body
    what = [("method", body["method"]), ("verdict", body["verdict"])]
    what += member_rows(body, "reasons", "segments")
    what += [("compared", value_words(one)) for one in body.get("compared", ())]
    return PageText(what, [], ["steps that it did not repeat"])


def deployment(manifest: Manifest, _: Called) -> PageText:
    """Return the view of a deployment."""
    body = manifest.body
    what = [
        ("target", f"{body['target']}, for {body['loader']}"),
        *member_rows(body, "task", "format", "quantization", "limits", "decision", "probe"),
        ("checked", value_words(body["check"]) if "check" in body else "not compared"),
        *member_rows(body, "cardStatus", "withData", "software"),
    ]
    rights = [*member_rows(body["rights"], "state", "reason", "until", "deleteOnExpiry")]
    return PageText(what, rights, ["that this folder is what answers requests"])


def prediction(manifest: Manifest, _: Called) -> PageText:
    """Return the view of a recorded prediction."""
    body = manifest.body
    what = [(name, f"{body[name]:,}") for name in ("asked", "answered", "notKnown")]
    return PageText(what, [], ["which texts were sent: neither texts nor their digests are kept"])
