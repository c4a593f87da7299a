"""Answers about models: runs, predictions, reproductions, rules (spec §22.6)."""

from collections.abc import Iterator

from lyrikstore.audit.file.answers.known import Known, listed, text_of
from lyrikstore.audit.file.answers.tables import AnswerRows, EvidenceRow, row
from lyrikstore.history.manifests.manifest import Manifest


def predictions(known: Known) -> AnswerRows:
    """Answer which predictions it made."""
    rows = []
    for one in known.manifests("prediction"):
        model = known.called(one.inputs_in("checkpoint")[0].id)
        counts = (text_of(one.body.get(word)) for word in ("asked", "answered", "notKnown"))
        rows.append(row([known.at(one)], model, *counts, known.who(one.author), one.created))
    return AnswerRows({"predictions": rows})


def failed(known: Known) -> AnswerRows:
    """Answer which runs failed or were passed over, and what was logged without effect."""
    runs = list(known.manifests("run"))
    models = list(known.manifests("checkpoint"))
    ended = {item.id for model in models for item in model.inputs_in("run")}
    tables = {
        "runs": [
            row([known.at(one)], known.called(one.id), known.who(one.author), one.created)
            for one in runs
            if one.id not in ended
        ],
        "candidates": [one for model in models for one in _candidates(known, model)],
        "flagged": list(_flagged(known)),
    }
    return AnswerRows(tables, "all" if runs and not any(tables.values()) else "")


def _candidates(known: Known, model: Manifest) -> Iterator[EvidenceRow]:
    chosen = model.body.get("chosen", {})
    for one in chosen.get("candidates", ()):
        figures = listed(
            f"{name} {value}" for name, value in sorted(one.get("metrics", {}).items())
        )
        taken = "yes" if one.get("taken") else "no"
        reason = text_of(one.get("reason", chosen.get("reason") if one.get("taken") else ""))
        cells = (text_of(one.get("format")), figures, taken, reason)
        yield row([known.at(model)], known.called(model.id), *cells)


def _flagged(known: Known) -> Iterator[EvidenceRow]:
    for flag in known.opened.table.flagged:
        one = known.get(flag.id)
        kind, name, by = ("", flag.id.short, "")
        if one is not None:
            kind, name, by = one.kind, known.called(one.id), known.who(one.author)
        yield row([flag.index], kind, name, by, flag.reason)


def reproduced(known: Known) -> AnswerRows:
    """Answer whether training can be reproduced, and was."""
    rows = []
    for one in known.manifests("reproduction"):
        run = known.called(one.inputs_in("run")[0].id)
        cells = (one.body["verdict"], one.body["method"], known.who(one.author), one.created)
        rows.append(row([known.at(one)], run, *cells))
    runs = [_fixed(known, one) for one in known.manifests("run")]
    return AnswerRows({"reproductions": rows, "runs": runs}, "untried" if runs and not rows else "")


def _fixed(known: Known, run: Manifest) -> EvidenceRow:
    body = run.body
    code = body.get("code", {})
    order = body.get("order", {})
    cells = (
        known.called(run.id),
        text_of(body.get("seed")),
        text_of(order.get("function")),
        listed(
            text_of(code.get(word)) for word in ("package", "version", "digest") if word in code
        ),
        text_of(body.get("tolerances")),
    )
    return row([known.at(run)], *cells)


def rules(known: Known) -> AnswerRows:
    """Answer which rules of the organisation applied, and which exceptions were made."""
    packs = [
        row(
            [known.at(one)],
            known.called(one.id),
            f"{one.body['name']} {one.body['packVersion']}",
            text_of(one.body["ruleCount"]),
            text_of(one.body.get("reviewed")),
            one.created,
        )
        for one in known.manifests("rules")
    ]
    decisions = [
        row(
            [known.at(one)],
            f"{one.body['action']} {known.called(one.id)}",
            one.body["answer"],
            listed(f"{item['rule']} ({item['resource']})" for item in one.body.get("lifted", ())),
            known.who(one.author),
            one.created,
        )
        for one in known.manifests("decision")
    ]
    waivers = [_waiver(known, one) for one in known.manifests("waiver")]
    return AnswerRows({"packs": packs, "decisions": decisions, "waivers": waivers})


def _waiver(known: Known, one: Manifest) -> EvidenceRow:
    about = (*one.inputs_in("dataset"), *one.inputs_in("checkpoint"))[0].id
    words = (one.body[word] for word in ("rule", "until", "reason", "liable"))
    return row([known.at(one)], known.called(about), *words, known.who(one.author))
