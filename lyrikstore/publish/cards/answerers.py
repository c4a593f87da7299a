"""Whose answers close an item: those of people whom a trust file knows (spec §14.4.5).

A card believes nobody, and shows every answer. Whoever judges it believes whom their trust file
names: an answer by anybody else is shown, and closes nothing for them.
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
from lyrikstore.verify.credential.card_attestation import check_card_attestation
from lyrikstore.verify.credential.status import logged_status_updates
from lyrikstore.verify.report import SETTLED, CheckState

CLOSING = ("attested", "not-applicable")
"""States of an answer that closes an item."""

_SIGNED = ("proof", "issuer.binding", "issuer.document", "issuer.key")


class UnknownAnswers(Struct, frozen=True):
    """What a card has of people whom a trust file does not know.

    Attributes:
        answers: How many answers it shows that would close an item, whoever gave them.
        unknown: Issuer → how many of these are theirs, of those that the trust file does not know.
        items: Required items that no other answers close, as ``PROFILE ITEM``.
    """

    answers: int
    unknown: Mapping[str, int]
    items: tuple[str, ...]


def unknown_answers(
    repository: Repository, content: Mapping[str, Any], trust: Trust, at: datetime
) -> UnknownAnswers:
    """Return which answers of a card are by people whom a trust file does not know.

    Args:
        repository: The store that has logged the attestations.
        content: What ``card.json`` holds.
        trust: Whom the verifier believes.
        at: The moment to judge for.

    Raises:
        LyrikstoreError: What the log says of keys and credentials cannot be read.

    Cost: one signature per attestation whose answers it shows.
    """
    answers = {
        one["id"]: one
        for one in content["statements"]
        if one["id"].startswith("answer.") and one["state"] in CLOSING
    }
    judge = _Judge(repository, content["subject"]["name"], trust, at)
    known = {name for name, one in answers.items() if judge.knows(one)}
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
        and known.isdisjoint(item["statements"])
    ]
    return UnknownAnswers(len(answers), dict(sorted(unknown.items())), tuple(items))


class _Judge:
    """Judges attestations, each once."""

    def __init__(self, repository: Repository, name: str, trust: Trust, at: datetime) -> None:
        self._repository, self._name, self._trust, self._at = repository, name, trust, at
        self._notices = logged_status_updates(repository)
        self._found: dict[str, bool] = {}

    def knows(self, answer: Mapping[str, Any]) -> bool:
        """Return whether the trust file knows who signed an answer, as a card has it."""
        credential = answer["evidence"][0]
        if credential not in self._found:
            self._found[credential] = self._is_known(credential)
        return self._found[credential]

    def _is_known(self, credential: str) -> bool:
        repository, identity = self._repository, Digest.parse(credential)
        try:
            opened = logged_credential(repository, identity)
            if repository.is_suspect(opened.data, repository.index_of(identity, "credential")):
                return False
        except LyrikstoreError:
            return False
        # ATTACK: a card that names another document, of somebody who is known, as the attestation.
        if opened.kind is not CARD_ATTESTATION or opened.issuer is None:
            return False
        found = check_card_attestation(
            opened, trust=self._trust, at=self._at, status_updates=self._notices
        )
        # ATTACK: a document in the log says that a key is an organisation's: anybody writes one.
        if not all(found.state(check) in SETTLED for check in _SIGNED):
            return False
        return found.state("trust.issuer") is CheckState.PASS or self._publishes(opened.issuer)

    def _publishes(self, did: str) -> bool:
        """Return whether somebody is believed as a publisher of what the card is about."""
        policy, store = self._repository.policy, self._repository.store_id
        whose = policy.successor(did) or did
        return any(
            (policy.successor(one.did) or one.did) == whose
            and one.covers(role="publisher", name=self._name, store=store, at=self._at)
            for one in self._trust.issuers
        )
