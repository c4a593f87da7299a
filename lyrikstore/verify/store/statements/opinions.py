"""Opinions held against the store that they are about (spec §20.10)."""

from collections.abc import Mapping
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.opinion import SUBJECTS
from lyrikstore.history.log import merkle
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.report import Check, failed, unchecked, warned

OWN_WORK = "own-work"
"""Reason code of ``attestation`` for an opinion by a key of the store itself."""


class OpinionsHere:
    """Holds opinions against one store; its result is the check ``attestation`` where it differs.

    Args:
        repository: The store.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def __call__(
        self, opened: OpenedCredential, subject: Mapping[str, Any], summary: str
    ) -> Check | None:
        """Return ``attestation`` as failed, unchecked or warned; None if nothing speaks against it.

        Args:
            opened: A well-formed opinion.
            subject: Its subject.
            summary: What it says, in a line.
        """
        repository = self._repository
        if subject["store"] != repository.store_id.urn:
            return failed("attestation", "other-store", "an opinion on another store")
        log = subject["attestation"]["log"]
        hashes = repository.records.hashes[: repository.checkpoint.size]
        size = log["size"]
        if size > len(hashes):
            text = (
                f"its log checkpoint has {pluralize(size, 'entry', 'entries')}, and this log "
                f"{len(hashes)}: it may be behind, or another log"
            )
            return unchecked("attestation", "behind", text)
        # ATTACK A192: an opinion on a store whose log was rewritten since, or never was this one.
        if log["origin"] != repository.origin or merkle.root(hashes[:size]).hex() != log["root"]:
            text = "its log checkpoint is not one of this log: a fork, or a rewritten history"
            return failed("attestation", "other-log", text)
        author = None
        if subject["type"] != "Store":
            identity = Digest.parse_urn(subject["manifest"])
            try:
                manifest = repository.manifest(identity)
                index = repository.index_of(identity)
            except LyrikstoreError:
                return failed("attestation", "other-object", "an opinion on what is not logged")
            author = manifest.author
            # ATTACK A190: an opinion on one object that is shown as one on another.
            stated = (subject["type"], subject["name"], subject.get("files"))
            files = None if manifest.files is None else manifest.files.urn
            if stated != (SUBJECTS.get(manifest.kind), manifest.name, files) or (
                subject["type"] == "Checkpoint"
                and (manifest.tree is None or subject["id"] != manifest.tree.urn)
            ):
                return failed("attestation", "other-object", "an opinion on another object")
            if index >= size:
                text = "its log checkpoint is older than what it is about"
                return failed("attestation", "other-log", text)
        if self.is_own(opened, author):
            text = f"by a key of this store, so by nobody independent; {summary}"
            return warned("attestation", OWN_WORK, text)
        return None

    def is_own(self, opened: OpenedCredential, author: str | None) -> bool:
        """Return whether an opinion is by the author of its object, or by a key of the store."""
        # ATTACK A191: the owner of a store is its own auditor.
        policy = self._repository.policy
        own = {author, *policy.keys, *(one.key for one in policy.retired)}
        return not own.isdisjoint({opened.signer, opened.issuer})
