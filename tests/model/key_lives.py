"""Keys that come and go, deliveries that were made before, and a thief: a state machine.

Deliveries are kept, and judged again after every change of keys: alone, as on the day they were
made; with the owner's newest statements, as the store itself judges them.
"""

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.terms.model import Partition, Terms
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.curate.readers import iter_records
from lyrikstore.curate.terms.measures import Measurement
from lyrikstore.curate.terms.offer import Offer
from lyrikstore.history.commit.policy_change import (
    change_policy,
    revoked,
    rotated,
    with_writer,
    without_log_key,
)
from lyrikstore.history.commit.transaction import create_repository, open_transaction, recover
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Manifest, sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.sync.pull import clone, pull
from lyrikstore.history.sync.push import Remote, push
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.publish.identity.key_statements import key_statements, statements_for_others
from lyrikstore.publish.identity.log_heads import consistency_of
from lyrikstore.publish.issue.delivery import issue_delivery
from lyrikstore.verify.credential.credential import check_credential
from lyrikstore.verify.credential.status import logged_status_updates
from lyrikstore.verify.delivery.delivery import verify_delivery
from lyrikstore.verify.report import CheckState, Report
from tests.contexts import context_of
from tests.differential.judges import Held

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
OFFER = Offer(Terms((Partition(name="all", permits=("train",)),)))
FINE = {CheckState.PASS, CheckState.NOT_APPLICABLE}
counts: Counter[str] = Counter()


@dataclass
class Person:
    """Somebody who signs, with the keys of today."""

    name: str
    signing: KeySigner
    log: KeySigner
    keys: list[str] = field(default_factory=list)


@dataclass
class Delivery:
    """What was handed over, and what a stranger said of it on that day."""

    label: str
    files: dict[str, bytes]
    data: dict[str, bytes]
    manifest: Digest
    verdict: str = ""


class Keys(RuleBasedStateMachine):
    """A store with an owner and a colleague, a clone, a thief, strangers."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.root = self.folder / "home"
        self.memory = LogMemory(self.folder / "memory")
        self.watching = LogMemory(self.folder / "watching")
        self.seeds = iter(range(1, 250))
        self.numbers = iter(range(10**6))
        self.kept: list[Delivery] = []
        self.stolen: list[Delivery] = []
        self.thief: tuple[Repository, KeySigner] | None = None
        self.retired: set[str] = set()

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def key(self) -> KeySigner:
        return KeySigner(PrivateKey.from_seed(bytes([next(self.seeds)]) * 32))

    @initialize()
    def found(self) -> None:
        self.ada = Person("ada", self.key(), self.key())
        self.ben = Person("ben", self.key(), self.key())
        create_repository(
            self.root,
            origin="example.org/archive",
            signer=self.ada.signing,
            log_signer=self.ada.log,
            clock=lambda: NOW,
            memory=self.memory,
        )
        self.signs = self.ada  # whose log key signs what is done at the home
        self.trust = Trust(
            tuple(TrustedIssuer(did=one.signing.did, nickname=one.name) for one in self.people)
        )
        self.admitted = False
        self.clone: Repository | None = None

    @property
    def people(self) -> tuple[Person, Person]:
        return self.ada, self.ben

    def home(self) -> Repository:
        return Repository.open(self.root, memory=self.memory, log_signer=self.signs.log)

    # ---- what the owner says of keys

    def change(self, change) -> bool:
        """Make one change of the policy; return whether it makes sense."""
        try:
            change_policy(self.home(), change, signer=self.ada.signing, clock=lambda: NOW)
        except LyrikstoreError as error:
            note(f"refused: {error.kind}")
            return False
        counts[change.__qualname__.partition(".")[0]] += 1
        return True

    @rule(owner=st.booleans())
    def rotate(self, owner: bool) -> None:
        who, after = (self.ada if owner else self.ben), self.key()
        if (owner or self.admitted) and self.change(rotated(who.signing.did, after.did)):
            who.signing = after

    @rule()
    def admit(self) -> None:
        if not self.admitted:
            self.admitted = self.change(with_writer(self.ben.signing.did, self.ben.log.public))

    @precondition(lambda self: self.admitted)
    @rule(owner=st.booleans())
    def take_turns(self, owner: bool) -> None:
        """From now on the log key of the other signs what is done at the home."""
        self.signs = self.ada if owner else self.ben

    @precondition(lambda self: self.admitted)
    @rule(owner=st.booleans())
    def retire(self, owner: bool) -> None:
        """A new log key takes the place of an old one."""
        who, new = (self.ada if owner else self.ben), self.key()
        other = self.ben if owner else self.ada
        self.signs = other
        if self.change(with_writer(who.signing.did, new.public)):
            old, who.log = who.log, new
            self.change(without_log_key(old.public))

    @rule(owner=st.booleans(), back=st.integers(0, 12), named=st.booleans())
    def revoke(self, owner: bool, back: int, named: bool) -> None:
        who, after = (self.ada if owner else self.ben), self.key()
        if not owner and not self.admitted:
            return
        start = max(1, len(self.home().entries()) - back)
        named = named or owner  # somebody has to own the store
        change = revoked(who.signing.did, start, after.did if named else None)
        if self.change(change):
            if named:
                who.signing = after
            else:
                self.admitted = False
                self.ben = Person("ben", self.key(), self.ben.log)

    # ---- what people do with them

    def commit(self, repository: Repository, signer: KeySigner, name: str) -> Manifest:
        recover(repository)
        content = {"a.txt": f"{next(self.numbers)}".encode()}
        with open_transaction(repository) as tx:
            tree = Tree.of(TreeEntry(p, len(d), tx.writer.put_data(d)) for p, d in content.items())
            tx.writer.put_bytes(tree.encode())
            state = repository.refs.get(name)
            manifest = sign_manifest(
                kind="dataset",
                store=repository.store_id,
                name=name,
                body={
                    "reader": "document/1",
                    "records": 1,
                    "bytes": tree.total_bytes,
                    "fileCount": 1,
                    "origin": "committed",
                    "descriptor": {},
                    "ignored": 0,
                },
                tree=tree.id,
                files=tree.files_id,
                parents=(state.id,) if state else (),
                signer=signer,
                created=NOW,
            )
            tx.log_manifest(manifest)
            tx.commit()
        return manifest

    def issue(
        self, repository: Repository, signer: KeySigner, manifest: Manifest, label: str
    ) -> Delivery:
        folder = self.folder / f"delivery-{next(self.numbers)}"
        made = issue_delivery(
            context_of(repository, signer=signer, clock=lambda: NOW), manifest, folder,
            offer=OFFER, valid_for=timedelta(days=30),
        )  # fmt: skip
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        data = {path.name: path.read_bytes() for path in (folder / "data").iterdir()}
        shutil.rmtree(folder)
        note(f"{label}: entry {made.log_index}")
        return Delivery(label, files, data, manifest.id)

    @rule(owner=st.booleans())
    def deliver(self, owner: bool) -> None:
        """Commit and issue at the home of the log."""
        who = self.ada if owner else self.ben
        if owner or self.admitted:
            manifest = self.commit(self.home(), who.signing, f"datasets/{who.name}/texts")
            self.keep(self.issue(self.home(), who.signing, manifest, f"{who.name} at home"))

    @rule(owner=st.booleans())
    def push_and_deliver(self, owner: bool) -> None:
        """Commit in a clone, push, issue there, and push what was issued."""
        who = self.ada if owner else self.ben
        if not (owner or self.admitted):
            return
        backend = LocalBackend(self.root)
        if self.clone is None:
            self.clone, _ = clone(backend, "origin", self.folder / "clone", memory=self.memory)
            self.local = self.key()
        desk = self.clone
        desk.log_signer = self.local
        pull(desk, backend, "origin", memory=self.memory)
        manifest = self.commit(desk, who.signing, f"datasets/{who.name}/notes")
        self.push(desk, who)
        delivery = self.issue(desk, who.signing, manifest, f"{who.name} in a clone")
        self.push(desk, who)
        self.keep(delivery)

    def push(self, desk: Repository, who: Person) -> None:
        remote = Remote(LocalBackend(self.root), self.root, "origin", False)
        push(desk, remote, memory=self.memory, log_signer=lambda: who.log)
        counts["push"] += 1

    def keep(self, delivery: Delivery) -> None:
        report = judge(delivery, self.trust, memory=self.watching)
        delivery.verdict = report.verdict
        assert (report.verdict == "trusted") == self.store_trusts(delivery), report.to_json()
        assert report.verdict in {"trusted", "valid"}, report.to_json()
        self.kept = [*self.kept[-4:], delivery]
        counts["deliver"] += 1

    # ---- a thief with the keys of today, and a copy

    @rule(owner=st.booleans())
    def steal(self, owner: bool) -> None:
        who = self.ada if owner else self.ben
        if self.thief is not None or not (owner or self.admitted):
            return
        root = self.folder / "stolen"
        shutil.copytree(self.root, root)
        memory = LogMemory(self.folder / "thief")
        self.thief = Repository.open(root, memory=memory, log_signer=who.log), who.signing
        self.parted = self.thief[0].checkpoint.size
        counts["steal"] += 1

    @precondition(lambda self: self.thief is not None)
    @rule(filler=st.integers(0, 4), policies=st.booleans())
    def back_date(self, filler: int, policies: bool) -> None:
        """Issue by the stolen key in the copy, and log there what the owner has said since."""
        copy, signer = self.thief
        copy.refresh()
        try:
            manifest = self.commit(copy, signer, "datasets/ada/texts")
            delivery = self.issue(copy, signer, manifest, "thief")
        except LyrikstoreError:
            return  # the copy knows already that the key was stolen
        for number in range(filler):
            self.commit(copy, signer, f"datasets/ada/filler{number}")
        if policies:
            self.log_again(copy)
        files = delivery.files
        index = copy.index_of(Digest.of(files["credential.json"]), "credential")
        for name, at in (("credential", index), ("log", copy.index_of(manifest.id))):
            files[f"{name}.tlog-proof"] = copy.proof_for(at).encode()
        files |= key_statements(copy)
        files |= consistency_of(copy)
        self.stolen = [*self.stolen[-2:], delivery]
        counts["back-date"] += 1

    def log_again(self, copy: Repository) -> None:
        home = self.home()
        for identity in reversed(home.refs["policies/store/main"].history):
            if not copy.is_logged(identity):
                try:
                    with open_transaction(copy) as tx:
                        tx.log_manifest(home.manifest(identity))
                        tx.commit()
                except LyrikstoreError as error:
                    note(f"not logged again: {error.kind}")
                    return

    # ---- what must hold

    def store_trusts(self, delivery: Delivery) -> bool:
        """Return whether the store, which needs no proof, believes what was delivered."""
        home = self.home()
        status_updates = logged_status_updates(home)
        outcome = check_credential(
            OpenedCredential(delivery.files["credential.json"]),
            trust=self.trust,
            at=NOW,
            status_updates=status_updates,
        )
        state = home.refs.get(outcome.claims.name)
        return (
            outcome.signature_valid
            and outcome.check("trust.issuer").state is CheckState.PASS
            and outcome.check_key(status_updates).state in FINE
            and state is not None
            and delivery.manifest in state.history
        )

    @invariant()
    def nothing_that_was_good_is_worse_alone(self) -> None:
        for one in self.kept:
            report = judge(one, self.trust)
            assert report.verdict == one.verdict, (one.label, report.to_json())
            counts["judged alone"] += 1

    @invariant()
    def a_stranger_with_the_statements_believes_what_the_store_believes(self) -> None:
        said = statements_for_others(self.home()) if self.kept or self.stolen else {}
        for one in self.kept:
            report = judge(one, self.trust, said)
            assert (report.verdict == "trusted") == self.store_trusts(one), (
                one.label,
                report.to_json(),
            )
            counts["judged with statements"] += 1
        gone = {item.key for item in self.home().policy.retired if item.suspect_from is not None}
        for one in self.stolen:
            report = judge(one, self.trust, said)
            counts["judged a thief's"] += 1
            if self.thief is not None and self.thief[1].did in gone:
                assert report.verdict in {"invalid", "incomplete"}, (one.label, report.to_json())
                counts["thief refused"] += 1

    @invariant()
    def who_watched_the_log_takes_nothing_from_a_thief(self) -> None:
        last = self.watching.last_seen(self.home().store_id)
        for number, one in enumerate(self.stolen):
            folder = self.folder / f"watching-{number}"
            if last is not None:
                shutil.copytree(self.folder / "watching", folder)
            report = judge(one, self.trust, memory=LogMemory(folder))
            shutil.rmtree(folder, ignore_errors=True)
            if last is not None and last.head.size > self.parted:
                assert report.verdict in {"invalid", "incomplete"}, (one.label, report.to_json())
                counts["watched"] += 1


def judge(
    delivery: Delivery,
    trust: Trust,
    said: dict[str, bytes] | None = None,
    memory: LogMemory | None = None,
) -> Report:
    return verify_delivery(
        OpenedCredential(delivery.files["credential.json"]),
        siblings={**delivery.files, **(said or {})},
        data=Held(delivery.data),
        record_ids=lambda reader, entry, stream: (
            record.id for record in iter_records(reader, entry.path, stream)
        ),
        trust=trust,
        at=NOW,
        memory=memory,
        recompute=Measurement,
    )
