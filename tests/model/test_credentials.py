"""Rights that are given, suspended, given back and revoked, with and without published lists.

A home and a clone of it. What one's own store says may be done, and what the clone says as of its
last pull, is compared with a model of a few lines; so is what an outsider sees who holds only what
was published and handed over.
"""

import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lyrikstore.canon.errors import PolicyError
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.terms.model import Partition, Terms, Use
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.curate.terms.offer import Offer
from lyrikstore.history.commit.transaction import create_repository, open_transaction
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.sync.pull import clone, pull
from lyrikstore.history.sync.push import Remote, push
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.publish.identity.issuer import Issuance
from lyrikstore.publish.issue.dataset import permit_dataset
from lyrikstore.publish.status.changes import set_status
from lyrikstore.publish.status.publish_lists import publish_lists
from lyrikstore.publish.status.status_registry import StatusRegistry
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.checks import PROCEDURES
from lyrikstore.verify.credential.credential import check_credential
from lyrikstore.verify.credential.status import StatusUpdates
from lyrikstore.verify.report import CheckState, Verdict, check_of, decide
from lyrikstore.verify.rights.required import check_rights
from tests.contexts import context_of
from tests.sweep import examples

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OWNER, LOG, LOCAL = signer_for("owner"), signer_for("log"), signer_for("clone log")
TRUST = Trust((TrustedIssuer(did=OWNER.did, nickname="owner"),))
OFFER = Offer(Terms((Partition("all", ("train",)),)))
URL = "https://data.example/status"


@dataclass
class Given:
    """One credential that permits to train, and what became of it."""

    data: bytes
    listed: bool
    revoked: bool = False
    suspended: bool = False

    @property
    def holds(self) -> bool:
        return not (self.revoked or self.suspended)


class Rights(RuleBasedStateMachine):
    """One dataset, its owner at the home and in a clone, and outsiders."""

    @initialize()
    def found(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.time = NOW
        self.given: list[Given] = []
        self.memories = [LogMemory(self.folder / "m0"), LogMemory(self.folder / "m1")]
        create_repository(
            self.folder / "home", origin="example.org/rights", signer=OWNER, log_signer=LOG,
            clock=self.clock, memory=self.memories[0],
        )  # fmt: skip
        home = self.home()
        with open_transaction(home) as tx:
            tree = Tree.of([TreeEntry("a.txt", 1, tx.writer.put_data(b"a"))])
            tx.writer.put_bytes(tree.encode())
            self.dataset = sign_manifest(
                kind="dataset", store=home.store_id, name="datasets/acme/texts", signer=OWNER,
                created=NOW, tree=tree.id, files=tree.files_id,
                body={"reader": "document/1", "records": 1, "bytes": 1, "fileCount": 1,
                      "origin": "committed", "descriptor": {}},
            )  # fmt: skip
            tx.log_manifest(self.dataset)
            tx.commit()
        backend = LocalBackend(self.folder / "home")
        self.copy, _ = clone(backend, "origin", self.folder / "clone", memory=self.memories[1])
        self.copy.log_signer = LOCAL
        self.seen = False  # whether the clone may train, as of its last pull

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def clock(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time

    def home(self) -> Repository:
        root = self.folder / "home"
        return Repository.open(root, memory=self.memories[0], log_signer=LOG)

    @property
    def may_train(self) -> bool:
        return any(one.holds for one in self.given)

    # ---- what the owner does, at home or in the clone

    def place(self, away: bool) -> Repository:
        if away:
            self.pull()
            return self.copy
        return self.home()

    def done(self, away: bool) -> None:
        if away:
            remote = Remote(LocalBackend(self.folder / "home"), self.folder / "home", "o", False)
            push(self.copy, remote, memory=self.memories[1], log_signer=lambda: LOG)
            self.seen = self.may_train

    @precondition(lambda self: len(self.given) < 4)
    @rule(listed=st.booleans(), away=st.booleans())
    def permit(self, listed: bool, away: bool) -> None:
        made = permit_dataset(
            context_of(self.place(away), signer=OWNER, clock=self.clock), self.dataset, offer=OFFER,
            issuance=Issuance(status_url=URL if listed else None), valid_for=timedelta(days=30),
        )  # fmt: skip
        self.given.append(Given(made.credential, listed))
        self.done(away)

    @precondition(lambda self: self.given)
    @rule(
        data=st.data(), what=st.sampled_from(["revoke", "suspend", "reinstate"]), away=st.booleans()
    )
    def change(self, data: st.DataObject, what: str, away: bool) -> None:
        one = data.draw(st.sampled_from(self.given))
        if one.revoked if what == "revoke" else one.suspended == (what == "suspend"):
            return  # refused, as nothing would change
        repository = self.place(away)
        set_status(
            context_of(repository, signer=OWNER, clock=self.clock),
            str(OpenedCredential(one.data).digest),
            "revocation" if what == "revoke" else "suspension", value=what != "reinstate",
        )  # fmt: skip
        one.revoked = one.revoked or what == "revoke"
        one.suspended = what == "suspend" if what != "revoke" else one.suspended
        self.done(away)

    @rule()
    def pull(self) -> None:
        pull(self.copy, LocalBackend(self.folder / "home"), "origin", memory=self.memories[1])
        self.seen = self.may_train

    # ---- what everybody sees

    @invariant()
    def the_home_and_the_clone_know(self) -> None:
        if not hasattr(self, "given"):
            return
        for repository, expected in ((self.home(), self.may_train), (self.copy, self.seen)):
            use = Use(("train",), self.time)
            if expected:
                assert check_rights(repository, [self.dataset], use, trust=TRUST)
            else:
                with pytest.raises(PolicyError, match="may not be used to train"):
                    check_rights(repository, [self.dataset], use, trust=TRUST)

    @invariant()
    def an_outsider_learns_what_is_published_or_handed_over(self) -> None:
        if not hasattr(self, "given") or not self.given:
            return
        repository, published = self.home(), LocalBackend(self.folder / "public")
        registry = StatusRegistry.of(repository)
        publish_lists(registry, repository.policy, published)
        folder = self.folder / "public" / "status"
        lists = [path.read_bytes() for path in folder.iterdir()] if folder.is_dir() else []
        for one in self.given:
            opened = OpenedCredential(one.data)
            own = [registry.lists[entry.url, OWNER.did].data for entry in opened.entries
                   if (entry.url, OWNER.did) in registry.lists]  # fmt: skip
            for known, is_known in ((lists, one.listed), (own, True)):
                status_updates = StatusUpdates.among(map(OpenedCredential, known))
                outcome = check_credential(
                    opened, trust=TRUST, at=self.time, status_updates=status_updates
                )
                status = check_of(outcome.checks, "status")
                verdict = decide(outcome.checks, [*PROCEDURES["credential"].required[:-1]])
                if one.holds or not is_known:
                    assert verdict is Verdict.TRUSTED
                    assert (status.state is CheckState.PASS) == one.listed
                else:
                    assert verdict is Verdict.INVALID
                    said = "revoked" if one.revoked else "suspended"
                    assert status.detail["reason"] == said


TestRights = Rights.TestCase
TestRights.settings = settings(max_examples=examples(40), stateful_step_count=12, deadline=None)
