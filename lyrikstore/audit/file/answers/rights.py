"""Answers about rights: licences at the time, revocations, and what rests on them (spec §22.6)."""

from collections.abc import Iterator
from typing import Any

from lyrikstore.audit.file.answers.known import Known, RightChange, listed, text_of
from lyrikstore.audit.file.answers.tables import AnswerRows, EvidenceRow, row
from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Manifest

_USES = frozenset(
    {"approval", "checkpoint", "delivery", "deployment", "evaluation", "prediction", "run"}
)
"""Kinds that say that something was used."""


def licensed(known: Known) -> AnswerRows:
    """Answer whether the data was licensed at the moment of training."""
    runs = list(known.manifests("run"))
    rights = [_right(known, one, right) for one in runs for right in one.body.get("rights", ())]
    without = [
        row([known.at(one)], known.called(one.id), known.called(item["dataset"]), item["ground"])
        for one in runs
        for item in one.body.get("without", ())
    ]
    unrecorded = "unrecorded" if runs and not rights and not without else ""
    return AnswerRows({"rights": rights, "without": without}, unrecorded)


def _right(known: Known, run: Manifest, right: dict[str, Any]) -> EvidenceRow:
    at, credential = known.at(run), Digest.parse(right["credential"])
    log, then = [at], "the credential is not in the file"
    found = known.credentials.get(credential)
    if found is not None:
        log.append(found.index)
        then = "in force" if found.index < at else "logged later than the run"
    for one in known.changes:
        # The order in the log decides, never a date.
        if one.change.credential == credential and one.index < at:
            log.append(one.index)
            then = (
                "in force"
                if one.change.effect == "reinstates"
                else f"{_ED[one.change.effect]} before"
            )
    cells = (
        known.called(run.id),
        known.called(right["dataset"]),
        credential.short,
        known.who(text_of(right.get("issuer"))),
        listed(right["permits"]),
        text_of(right.get("validUntil")),
        then,
    )
    return row(log, *cells)


_ED = {"revokes": "revoked", "suspends": "suspended", "reinstates": "reinstated"}


def revoked(known: Known) -> AnswerRows:
    """Answer when a right was revoked, and by whom."""
    rows = [
        row(
            one.log,
            _ED[one.change.effect],
            one.change.credential.short,
            text_of(one.change.about),
            known.who(one.issuer),
            one.claimed,
        )
        for one in known.changes
    ]
    return AnswerRows({"changes": rows})


def reasons(known: Known) -> AnswerRows:
    """Answer why a right was revoked."""
    rows = [
        row(
            one.log,
            one.change.credential.short,
            text_of(one.change.about),
            one.change.reason,
            known.who(one.said_by),
        )
        for one in known.revocations
        if one.change.reason
    ]
    return AnswerRows({"reasons": rows}, "unsaid" if known.revocations and not rows else "")


def impact(known: Known) -> AnswerRows:
    """Answer what rests on what was revoked."""
    rows = [
        row(
            [*change.log, known.at(one)],
            change.change.credential.short,
            one.kind,
            known.called(one.id),
            one.created,
        )
        for change in known.revocations
        for one in known.resting_on(change.change.credential)
    ]
    return AnswerRows({"impact": rows}, "nothing" if known.revocations and not rows else "")


def deployed(known: Known) -> AnswerRows:
    """Answer where it was deployed, and whether it was used after a revocation."""
    rows = []
    for one in known.manifests("deployment"):
        body = one.body
        cells = (
            known.called(one.inputs_in("checkpoint")[0].id),
            body["target"],
            text_of(body.get("loader")),
            text_of(body.get("cardStatus")),
            text_of(body["rights"].get("state")),
        )
        rows.append(row([known.at(one)], *cells, known.who(one.author), one.created))
    after = [one for change in known.revocations for one in _after(known, change)]
    return AnswerRows({"deployments": rows, "after": after})


def _after(known: Known, change: RightChange) -> Iterator[EvidenceRow]:
    for one in known.resting_on(change.change.credential):
        if one.kind in _USES and known.at(one) > change.index:
            cells = (change.change.credential.short, one.kind, known.called(one.id))
            yield row([*change.log, known.at(one)], *cells, known.who(one.author), one.created)


def deliveries(known: Known) -> AnswerRows:
    """Answer what was handed over, and under which terms."""
    rows = []
    for one in known.manifests("delivery"):
        data = known.called(one.inputs_in("dataset")[0].id)
        named = one.body.get("credential")
        credential = None if named is None else known.credentials.get(Digest.parse(named))
        log, permits, until = [known.at(one)], "", ""
        if credential is not None:
            log.append(credential.index)
            terms = credential.subject.get("licence")
            parts = terms.get("partitions", ()) if isinstance(terms, dict) else ()
            permits = listed(
                dict.fromkeys(word for part in parts for word in part.get("permits", ()))
            )
            until = text_of(credential.document.get("validUntil"))
        short = "" if named is None else Digest.parse(named).short
        rows.append(row(log, data, one.body["form"], short, permits, until, one.created))
    return AnswerRows({"deliveries": rows})


def recipients(known: Known) -> AnswerRows:
    """Answer who received it."""
    rows = []
    unnamed = False
    for one in known.manifests("delivery"):
        if "to" in one.body:
            data = known.called(one.inputs_in("dataset")[0].id)
            rows.append(
                row([known.at(one)], data, one.body["to"], known.who(one.author), one.created)
            )
        unnamed = unnamed or "to" not in one.body
    for grant in known.of_type("GrantCredential"):
        stated = grant.subject.get("grant")
        dataset = stated.get("dataset") if isinstance(stated, dict) else None
        name = text_of(dataset.get("name")) if isinstance(dataset, dict) else ""
        holder = listed(grant.subject[word] for word in ("name", "id") if word in grant.subject)
        rows.append(row([grant.index], name, holder, known.who(grant.issuer), grant.claimed))
    return AnswerRows({"recipients": rows}, "unnamed" if unnamed and not rows else "")


def others(known: Known) -> AnswerRows:
    """Answer what others attest."""
    rows = []
    for one in known.of_type("AttestationCredential"):
        stated = one.subject.get("attestation")
        if isinstance(stated, dict):
            about = text_of(one.subject.get("name", one.subject.get("id")))
            cells = (text_of(stated.get(word)) for word in ("kind", "conclusion"))
            rows.append(row([one.index], about, known.who(one.issuer), *cells, one.claimed))
    return AnswerRows({"attestations": rows})
