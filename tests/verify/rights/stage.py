"""What is logged about a dataset before somebody wants to train on it, and a store with that."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import PolicyError
from lyrikstore.canon.limits import STATUS_LIST_ENTRIES
from lyrikstore.credentials.issue import issue, reference_to
from lyrikstore.credentials.model.credential import Claims, CredentialMetadata
from lyrikstore.credentials.model.grant import build_grant
from lyrikstore.credentials.model.status_entry import StatusEntry
from lyrikstore.credentials.model.status_list import sign_list
from lyrikstore.credentials.terms.model import Partition, Selector, Terms, UsageLimits, Use
from lyrikstore.credentials.terms.usage import PartitionsUsed
from lyrikstore.credentials.trust import Trust
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.commit.policy_change import change_policy, revoked, with_writer
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Input, Manifest, sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.credential.status import logged_status_updates
from lyrikstore.verify.report import Check
from lyrikstore.verify.rights.grants import published
from lyrikstore.verify.rights.judge import LoggedDocument, Request, RightCandidate, Ruling, judge
from lyrikstore.verify.rights.recorded import check_rights as rights_of_runs
from lyrikstore.verify.rights.required import check_rights
from tests.lineages import lineage_of
from tests.verify.rights.models import log_model

TRAINER, OTHER = signer_for("trainer"), signer_for("other")
LIST = "https://data.example/status/{}.json"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Scene:
    """What is logged about a dataset before somebody wants to train on it.

    Attributes:
        by_grant: Whether a grant gives the right.
        period: When it is valid.
        status: What a status list says of it.
        permits: Whether its words suffice.
        seats: Whether the use keeps within the limits: as many people, too many, or not said.
        about: Whether it is about the dataset.
        logged: Whether it is logged before the use.
        key: Whether the key that signed it was still its owner's.
        issuer: Whether the verifier believes who issued it.
        holder: To whom the grant is.
        terms: What became of what the grant rests on.
        parts: How the data is parted: not at all; in two under equal terms; in two of which one
            permits it to everybody; in two of which one forbids it.
        limited: Whether its terms are limited to five days, and to be followed by deletion.
    """

    by_grant: bool = False
    period: str = "fine"
    status: str = "none"
    permits: bool = True
    seats: str = "fine"
    about: str = "this"
    logged: str = "before"
    key: str = "fine"
    issuer: str = "known"
    holder: str = "user"
    terms: str = "fine"
    parts: str = "none"
    limited: bool = False


class Stage:
    """A store in which a scene was played.

    The data of the scene is trained on. With ``through`` other data is, which may be used for
    anything: by whoever goes on from a model (``base``) that learned from the data of the scene
    when that was permitted, for another purpose; or such a model wrote it (``generator``).
    """

    def __init__(
        self, world: SimpleNamespace, scene: Scene, home: Path, *, through: str = ""
    ) -> None:
        self.world, self.scene, self.now = world, scene, world.NOW
        self.publisher = world.make_publisher(home)
        self.repository: Repository = self.publisher.repository
        self.trust: Trust = world.trusting(world.OWNER.did)
        self.issuer: Signer = world.OWNER if scene.issuer == "known" else OTHER
        self.late: list[bytes] = []
        self.entries: list[tuple[StatusEntry, bool]] = []
        self._change(with_writer(TRAINER.did, None))
        self.used = [self.publisher.manifest]
        self.before: list[Manifest] = []
        if through:
            self._train_before(through)
        start = len(self.repository.entries())
        self.credential, self.grant = self._documents()
        for entry, value in self.entries:
            self._log_list(entry, value=value)
        if scene.key == "stolen":
            self._change(revoked(world.OWNER.did, start, OTHER.did))

    def _change(self, change: Any) -> None:
        owner = self.world.OWNER
        change_policy(self.repository, change, signer=owner, clock=lambda: self.now)
        self.repository.refresh()

    def log(self, *documents: bytes | Manifest) -> None:
        with open_transaction(self.repository) as transaction:
            for one in documents:
                if isinstance(one, bytes):
                    transaction.log_credential(one)
                else:
                    transaction.log_manifest(one)
            transaction.commit()

    def _train_before(self, through: str) -> None:
        """Log a model of the dataset, and another dataset."""
        world, source = self.world, self.publisher.manifest
        purposes = ("internalOperations",)
        once = Partition("all", permits=("train",), limits=UsageLimits(purposes=purposes))
        narrow = self._about(source, once)
        self.log(narrow)
        first = self._run(
            [source],
            [self._right(source, narrow)],
            {"purposes": [*purposes]},
            name="runs/acme/first",
        )
        model = log_model(self.repository, first, source, TRAINER, "first")
        terms = {"permitsTraining": "unknown"}
        written = {"origin": "generated", "generators": [{"name": "x", "outputTerms": terms}]}
        own = sign_manifest(
            kind="dataset",
            store=self.repository.store_id,
            name="datasets/acme/own",
            body=source.body | (written if through == "generator" else {}),
            inputs=[Input("generator", "checkpoint", model.id)] if through == "generator" else [],
            tree=source.tree,
            files=source.files,
            signer=world.OWNER,
            created=self.now,
        )
        wide = self._about(own, Partition("all", permits=("train",)))
        self.log(own, wide)
        self.used = [own, *([model] if through == "base" else [])]
        self.before, self.model = [source, first, model], model
        self.own_right = self._right(own, wide)

    def _about(self, dataset: Manifest, part: Partition) -> bytes:
        document = self.publisher.unsigned(manifest=dataset, records=None, terms=Terms((part,)))
        return issue(document, self.world.OWNER, self.now)

    def _right(self, dataset: Manifest, credential: bytes) -> dict[str, Any]:
        return {
            "dataset": str(dataset.id),
            "credential": str(Digest.of(credential)),
            "issuer": self.world.OWNER.did,
            "permits": ["train"],
        }

    def _documents(self) -> tuple[bytes, bytes | None]:
        """Make and log the credential, and the grant if there is one."""
        scene = self.scene
        words = ("train",) if scene.permits and not scene.by_grant else ("evaluate",)
        parts = self._parts(words)
        about: Callable[[dict[str, Any]], None] = _another if scene.about == "other" else _this
        period = {} if scene.by_grant else self._period()
        status = () if scene.by_grant else self._status(scene.status)
        if scene.by_grant and scene.terms == "revoked":
            status = self._status("revocation", at=7)
        credential = self._credential(Terms(parts), status, about, **period)
        if not scene.by_grant:
            self._keep(credential)
            return credential, None
        grant = self._grant(credential)
        self.log(credential)
        if scene.terms == "replaced":
            document = json.loads(credential)
            document["id"] = "urn:uuid:3f0a1d52-6c86-4f0e-9a44-6a1f2a0f6f1c"
            document["supersedes"] = reference_to(credential)
            del document["proof"]
            self.log(issue(document, self.issuer, self.now))
        self._keep(grant)
        return credential, grant

    def _parts(self, words: tuple[str, ...]) -> tuple[Partition, ...]:
        part = Partition("all", permits=words, grantable=("train",), limits=UsageLimits(seats=5))
        if self.scene.limited:
            limits = UsageLimits(seats=5, use_until=self.now + 5 * DAY)
            part = replace(part, limits=limits, requires=("deleteOnExpiry",))
        if self.scene.parts == "none":
            return (part,)
        other = {
            "alike": part,
            # In another order, with more than the first: neither counts for both.
            "freer": replace(part, permits=("modify", "train", "evaluate"), grantable=()),
            "forbidding": replace(part, permits=(), grantable=(), prohibits=("train",)),
        }[self.scene.parts]
        select = (Selector(path="a"), Selector(path="z.txt"))
        return replace(other, name="a", select=select), replace(part, name="rest")

    def _keep(self, data: bytes) -> None:
        if self.scene.logged == "before":
            self.log(data)
        else:
            self.late.append(data)

    def _period(self) -> dict[str, Any]:
        start, end = {"fine": (-9, 9), "over": (-9, -1), "to come": (1, 9)}[self.scene.period]
        return {"valid_from": self.now + start * DAY, "valid_until": self.now + end * DAY}

    def _credential(
        self,
        terms: Terms,
        status: tuple[StatusEntry, ...],
        about: Callable[[dict[str, Any]], None],
        **changes: Any,
    ) -> bytes:
        document = self.publisher.unsigned(
            issuer=self.issuer.did, terms=terms, status=status, **changes
        )
        about(document["credentialSubject"])
        return issue(document, self.issuer, self.now)

    def _grant(self, terms: bytes) -> bytes:
        scene = self.scene
        period = self._period()
        part_limits = claims_of(terms).terms.partitions[0].limits
        holder = {"user": TRAINER.did, "other": OTHER.did, "unpinned": "did:web:buyer.example"}
        made = build_grant(
            CredentialMetadata(
                self.issuer.did,
                period["valid_from"],
                period["valid_until"],
                status=self._status(scene.status),
            ),
            claims_of(terms),
            terms=reference_to(terms),
            holder=holder[scene.holder],
            permits=["train", "evaluate"] if scene.permits else ["evaluate"],  # both may say it
            limits=part_limits.to_json(),
        )
        return issue(made, self.issuer, self.now)

    def _status(self, said: str, at: int = 5) -> tuple[StatusEntry, ...]:
        if said == "none":
            return ()
        purpose = "suspension" if said == "suspension" else "revocation"
        entry = StatusEntry(purpose, at, LIST.format(f"{purpose}-{at}"))
        if said != "absent":
            self.entries.append((entry, said in {"revocation", "suspension"}))
        return (entry,)

    def _log_list(self, entry: StatusEntry, *, value: bool) -> None:
        self.log(self.status_list(entry, self.now, value=value))

    def status_list(self, entry: StatusEntry, made: Any, *, value: bool) -> bytes:
        bits = bytearray(STATUS_LIST_ENTRIES // 8)
        if value:
            bits[entry.index // 8] |= 1 << (7 - entry.index % 8)
        if self.scene.status == "stale":
            made -= 400 * DAY
        return sign_list(entry.url, entry.purpose, bytes(bits), self.issuer, made, 900 * DAY)

    @property
    def use(self) -> dict[str, Any]:
        seats = {"fine": {"seats": 2}, "many": {"seats": 9}, "unsaid": {}}
        return seats[self.scene.seats]

    def renew(self, by: Signer | None = None, days: int = 900) -> bytes:
        """Log a credential that gives the right for longer; return it."""
        document = self.publisher.unsigned(
            issuer=(by or self.issuer).did,
            terms=Terms((Partition("all", permits=("train",)),)),
            valid_from=self.now - DAY,
            valid_until=self.now + days * DAY,
            id="urn:uuid:3f0a1d52-6c86-4f0e-9a44-6a1f2a0f6f1d",
        )
        data = issue(document, by or self.issuer, self.now)
        self.log(data)
        return data

    def guard(self, at: Any = None) -> tuple[str, dict[str, Any] | None]:
        """Return why the use is refused before it begins, or the right that it has."""
        use = Use(("train",), at or self.now, **self.use)
        named = self.grant or self.credential
        try:
            *_, right = check_rights(
                self.repository, self.used, use, trust=self.trust, user=TRAINER.did
            )
        except PolicyError as error:
            (missing,) = error.details["missing"]
            for one in missing["candidates"]:
                if one.get("grant", one["credential"]) == str(Digest.of(named)):
                    return one["code"], None
            return "not-logged", None
        return "", right.to_json()

    def ruling(self, unread: str = "") -> Ruling:
        """Return what the judge says where the data leaves ``unread`` which partitions are used."""
        found = [
            LoggedDocument.read(self.repository, Digest.of(data))
            for data in (self.credential, self.grant)
            if data is not None
        ]
        request = Request(
            self.publisher.manifest,
            published(self.repository, self.publisher.manifest),
            Use(("train",), self.now, **self.use),
            lambda terms: PartitionsUsed(tuple(one.name for one in terms.partitions), unread),
            TRAINER.did,
            self.trust,
            logged_status_updates(self.repository),
        )
        return judge(RightCandidate(*found), request)

    def run_again(self, run: Manifest) -> Manifest:
        """Log a run once more that claims to be as old as ``run``."""
        again = sign_manifest(
            kind="run",
            store=self.repository.store_id,
            name=run.name,
            parents=[run.id],
            body=run.body,
            inputs=run.inputs,
            signer=TRAINER,
            created=self.now,
        )
        self.log(again)
        return again

    def force(
        self,
        created: Any = None,
        *,
        recorded: bool = True,
        right: dict[str, Any] | None = None,
    ) -> Manifest:
        """Log a run that records the right, whether it was one or not.

        Args:
            created: When it says that it began.
            recorded: Whether it does; else it records those to its own data alone, as runs did
                before they were asked for the data of their base.
            right: What it records; by default no more than it has to.
        """
        right = right or {
            "dataset": str(self.publisher.manifest.id),
            "credential": str(Digest.of(self.credential)),
            "issuer": self.issuer.did,
            "permits": ["train"],
        }
        if self.grant is not None:
            right["grant"] = str(Digest.of(self.grant))
        rights = [self.own_right] if self.before else []
        run = self._run(self.used, [*rights, *([right] if recorded else [])], self.use, created)
        for data in self.late:
            self.log(data)
        return run

    def _run(
        self,
        used: list[Manifest],
        rights: list[dict[str, Any]],
        use: dict[str, Any],
        created: Any = None,
        name: str = "runs/acme/classifier",
    ) -> Manifest:
        roles = {"dataset": "train", "checkpoint": "base"}
        records = {"train": self.publisher.manifest.body["records"]}
        run = sign_manifest(
            kind="run",
            store=self.repository.store_id,
            name=name,
            body={
                "purpose": "train",
                "config": {"use": use},
                "seed": 1,
                "order": {"function": "shuffle/1", "records": records},
                "environment": {"python": "3.11", "platform": "x", "packages": {}, "threads": 1},
                "code": {"package": "x", "version": "1", "digest": str(Digest.of(b"code"))},
                "plannedOutputs": ["checkpoints/acme/classifier"],
                "rights": rights,
            },
            inputs=[Input(roles[one.kind], one.kind, one.id) for one in used],
            signer=TRAINER,
            created=created or self.now,
        )
        self.log(run)
        return run

    def verify(self, run: Manifest, at: Any = None) -> Check:
        known = (self.publisher.manifest, *self.used, *self.before, run)
        ancestry = lineage_of(*known)
        return rights_of_runs(self.repository, ancestry, trust=self.trust, at=at or self.now)


def claims_of(credential: bytes) -> Claims:
    """Return what a dataset credential says."""
    return Claims.of(json.loads(credential)["credentialSubject"])


def _this(_subject: dict[str, Any]) -> None:
    pass


def _another(subject: dict[str, Any]) -> None:
    subject["name"] = "datasets/acme/freer"
