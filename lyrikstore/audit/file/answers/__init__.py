"""Answers to the questions of an auditor: a pure function of evidence (spec §22.5, §22.6)."""

from collections.abc import Callable, Mapping

from lyrikstore.audit.file.answers import data, models, people, rights
from lyrikstore.audit.file.answers.known import Known
from lyrikstore.audit.file.answers.tables import AnswerRows, AuditAnswer, answer
from lyrikstore.audit.file.opened import OpenedEvidence
from lyrikstore.audit.file.questions import QUESTIONS

ANSWERERS: Mapping[str, Callable[[Known], AnswerRows]] = {
    "sources": data.sources,
    "licences": data.licences,
    "filters": data.filters,
    "dropped": data.dropped,
    "dropped-list": data.dropped_list,
    "document": data.document,
    "overlap": data.overlap,
    "signers": people.signers,
    "approvals": people.approvals,
    "rule": people.rule,
    "licensed": rights.licensed,
    "revoked": rights.revoked,
    "reasons": rights.reasons,
    "impact": rights.impact,
    "deployed": rights.deployed,
    "predictions": models.predictions,
    "deliveries": rights.deliveries,
    "recipients": rights.recipients,
    "personal": data.personal,
    "missed": data.missed,
    "versions": data.versions,
    "card": people.card,
    "failed": models.failed,
    "dates": people.dates,
    "reproduced": models.reproduced,
    "rules": models.rules,
    "others": rights.others,
}
"""Id of a question → the function that finds what the evidence says to it."""


def answers_of(opened: OpenedEvidence) -> tuple[AuditAnswer, ...]:
    """Return the answer to every question, in their order."""
    known = Known(opened)
    return tuple(answer(question, ANSWERERS[question.id](known)) for question in QUESTIONS)
