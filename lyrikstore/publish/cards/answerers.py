"""Answers that close an item: those of people in the verifier's trust file (spec §14.4.5).

A card shows every answer, as it has no trust file. A verifier has one: answers of people who are
not in it are shown, but close no item.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.credentials.model.credential import CARD_ATTESTATION
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.cards.answer import CLOSING, GivenAnswer, closing_answers
from lyrikstore.verify.credential.card_attestation import check_card_attestation
from lyrikstore.verify.credential.status import logged_status_updates
from lyrikstore.verify.report import ACCEPTED, CheckState

_SIGNED = ("proof", "issuer.binding", "issuer.document", "issuer.key")


class UnknownAnswers(Struct, frozen=True):
    """The answers of a card by people who are not in a trust file.

    Attributes:
        answers: Number of answers in the card that would close an item, by any person.
        unknown: Issuer who is not in the trust file → number of their answers among these.
        items: Required items that no other answer closes, as ``PROFILE ITEM``.
    """

    answers: int
    unknown: Mapping[str, int]
    items: tuple[str, ...]


def unknown_answers(
    repository: Repository, content: Mapping[str, Any], trust: Trust, at: datetime
) -> UnknownAnswers:
    """Return the answers of a card by people who are not in a trust file.

    Args:
        repository: The store that has logged the attestations.
        content: Contents of ``card.json``.
        trust: The verifier's trust file.
        at: The moment of verification.

    Raises:
        LyrikstoreError: Keys or credentials in the log cannot be read.

    Cost: one signature per attestation in the card.
    """
    given = {one["id"]: one for one in content["statements"] if one["id"].startswith("answer.")}
    answers = {name: one for name, one in given.items() if one["state"] in CLOSING}
    checker = _AttesterCheck(repository, content["subject"]["name"], trust, at)
    known = {name for name, answer in answers.items() if checker.is_known(answer)}

    def is_doubted_by_known(answer: Mapping[str, Any]) -> bool:
        return "by" in answer and answer["state"] not in CLOSING and checker.is_known(answer)

    unknown: dict[str, int] = {}
    for name in answers.keys() - known:
        by = answers[name]["by"]
        unknown[by] = unknown.get(by, 0) + 1
    items = [
        f"{profile['profile']} {item['id']}"
        for profile in content["profiles"]
        for item in profile["items"]
        if item["required"]
        and not item["open"]
        and "question" in item
        and not closing_answers(
            (
                GivenAnswer(name, given[name]["state"], given[name].get("own", False))
                for name in item["statements"]
                if name in known or (name in given and is_doubted_by_known(given[name]))
            ),
            item.get("answeredBy", CLOSING),
        )
    ]
    return UnknownAnswers(len(answers), dict(sorted(unknown.items())), tuple(items))


class _AttesterCheck:
    """Checks the attesters of answers; each attestation is verified once."""

    def __init__(self, repository: Repository, name: str, trust: Trust, at: datetime) -> None:
        self._repository, self._name, self._trust, self._at = repository, name, trust, at
        self._status_updates = logged_status_updates(repository)
        self._known: dict[str, bool] = {}

    def is_known(self, answer: Mapping[str, Any]) -> bool:
        """Return whether the attester of an answer in a card is in the trust file."""
        credential = answer["evidence"][0]
        if credential not in self._known:
            self._known[credential] = self._verify(credential)
        return self._known[credential]

    def _verify(self, credential: str) -> bool:
        repository, identity = self._repository, Digest.parse(credential)
        try:
            opened = logged_credential(repository, identity)
            if repository.is_suspect(opened.data, repository.index_of(identity, "credential")):
                return False
        except LyrikstoreError:
            return False
        # ATTACK: a card names another document, by a known issuer, as the attestation.
        if opened.kind is not CARD_ATTESTATION or opened.issuer is None:
            return False
        checked = check_card_attestation(
            opened, trust=self._trust, at=self._at, status_updates=self._status_updates
        )
        # ATTACK: anybody can write a DID document that assigns a key to an organisation.
        if not all(checked.state(check) in ACCEPTED for check in _SIGNED):
            return False
        return checked.state("trust.issuer") is CheckState.PASS or self._publishes(opened.issuer)

    def _publishes(self, did: str) -> bool:
        """Return whether the trust file has a DID as a publisher of the subject of the card."""
        policy, store = self._repository.policy, self._repository.store_id
        current = policy.successor(did) or did
        return any(
            (policy.successor(trusted.did) or trusted.did) == current
            and trusted.covers(role="publisher", name=self._name, store=store, at=self._at)
            for trusted in self._trust.issuers
        )
