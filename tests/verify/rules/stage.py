"""A store under rules, made by hand: its data, its keys, and what they sign."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import parse
from lyrikstore.canon.limits import STATUS_LIST_ENTRIES
from lyrikstore.context import StoreContext
from lyrikstore.credentials.issue import issue
from lyrikstore.credentials.model.attestation import build_attestation
from lyrikstore.credentials.model.credential import Claims, CredentialMetadata
from lyrikstore.credentials.model.status_entry import StatusEntry
from lyrikstore.credentials.model.status_list import sign_list
from lyrikstore.credentials.terms.model import Terms, Use
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.governance.decide import (
    DecidedUse,
    decide_use,
    decided_inputs,
    require_permit,
)
from lyrikstore.governance.packs import AddedRules, add_rules
from lyrikstore.governance.waive import waive_rule
from lyrikstore.history.commit.policy_change import (
    Change,
    change_policy,
    with_waivers,
    with_writer,
)
from lyrikstore.history.commit.transaction import create_repository, open_transaction
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Input, Manifest, sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.rules.engine import RulesAnswer
from lyrikstore.testing.clocks import FrozenClock
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.facts.datasets import DataUse, dataset_resources
from lyrikstore.verify.facts.resource import Resource
from lyrikstore.verify.report import Check
from lyrikstore.verify.rules.check import check_rules
from lyrikstore.verify.rules.request import RulesUse
from lyrikstore.verify.rules.uses import train_use
from tests.contexts import context_of
from tests.credentialed import log_credential

OWNER, LOG, TRAINER, OFFICER, ATTESTER = (
    signer_for(name) for name in ("owner", "log", "trainer", "officer", "attester")
)
DAY = timedelta(days=1)
LIST = "https://data.example/status/{}.json"
STATEMENT: dict[str, Any] = {
    "extent": "all",
    "standard": "45 CFR 164.514(b)(1)",
    "method": "expert determination",
    "conclusion": "the risk is very small",
    "results": [{"metric": "reidentificationRisk", "value": "0.04"}],
    "limitations": ["as of today"],
    "liability": "the expert",
}


class RulesStage:
    """A store with an owner, a trainer, and an officer who may waive rules.

    Args:
        home: An empty folder.
    """

    def __init__(self, home: Path) -> None:
        self.clock = FrozenClock()
        self.home = home
        self.repository: Repository = create_repository(
            home / ".lyrikstore",
            origin="example.org/archive",
            signer=OWNER,
            log_signer=LOG,
            clock=self.clock,
            memory=LogMemory(home / "memory"),
        )
        self.change(with_writer(TRAINER.did, None))
        self.change(with_waivers([OFFICER.did]))

    def context(self, signer: Signer = TRAINER) -> StoreContext:
        return context_of(self.repository, signer=signer, clock=self.clock)

    def change(self, change: Change) -> None:
        change_policy(self.repository, change, signer=OWNER, clock=self.clock)
        self.repository.refresh()

    def log(self, *documents: bytes | Manifest) -> None:
        with open_transaction(self.repository) as transaction:
            for one in documents:
                if isinstance(one, bytes):
                    transaction.log_credential(one)
                else:
                    transaction.log_manifest(one)
            transaction.commit()

    def sign(self, kind: str, name: str, signer: Signer = OWNER, **members: Any) -> Manifest:
        """Return a signed manifest that succeeds the current one of its name."""
        state = self.repository.refs.get(name)
        return sign_manifest(
            kind=kind,
            store=self.repository.store_id,
            name=name,
            signer=signer,
            created=self.clock(),
            parents=() if state is None else (state.id,),
            **members,
        )

    def dataset(
        self,
        name: str = "notes",
        *sources: Manifest,
        steps: Sequence[str] = ("empty/1",),
        described: Mapping[str, Any] | None = None,
        paths: Sequence[str] = ("a.txt",),
        **body: Any,
    ) -> Manifest:
        """Log a dataset, and the filter that made it of its sources; return it.

        Args:
            name: Its name in the namespace, or with the namespace.
            sources: What it was made from.
            steps: The steps of the filter.
            described: Field → value of its descriptor.
            paths: Its files.
            body: Further members of its body.
        """
        part = name if "/" in name else f"acme/{name}"
        descriptor = {
            field: {"state": "value", "value": value, "basis": "human-asserted"}
            for field, value in (described or {}).items()
        }
        with open_transaction(self.repository) as transaction:
            put = transaction.writer.put_bytes
            tree = Tree.of([TreeEntry(path, 5, put(path.encode()[:5]), None) for path in paths])
            put(tree.encode())
            inputs = [Input("source", "dataset", one.id) for one in sources]
            if sources:
                made_by = self.sign(
                    "filter",
                    f"filters/{part}",
                    body={
                        "recipe": {},
                        "steps": [{"use": use} for use in steps],
                        "reads": ["text"],
                        "engine": "builtin/1",
                    },
                )
                transaction.log_manifest(made_by)
                inputs.append(Input("filter", "filter", made_by.id))
            made = self.sign(
                "dataset",
                f"datasets/{part}",
                body={
                    "reader": "document/1",
                    "records": 1,
                    "bytes": 5 * len(paths),
                    "fileCount": len(paths),
                    "origin": "filtered" if sources else "committed",
                    "descriptor": descriptor,
                    **({} if sources else {"ignored": 0}),
                    **body,
                },
                inputs=inputs,
                tree=tree.id,
                files=tree.files_id,
            )
            transaction.log_manifest(made)
            transaction.commit()
        return made

    def scanned(
        self, source: Manifest, found: int, records: int = 1000, *after: str, name: str = "scanned"
    ) -> Manifest:
        """Log a dataset that a scan made, which found personal data in some records."""
        counts = {"in": records, "kept": records, "dropped": 0, "changed": 0, "elsewhere": 0}
        reported = {"reported": {"found-email": found}} if found else {}
        derivation = {"counts": counts, "dropped": {}, "changed": {}, **reported}
        return self.dataset(
            name, source, steps=("scan/1", *after), records=records, derivation=derivation
        )

    def permit(
        self,
        dataset: Manifest,
        terms: Terms | Sequence[str] = ("train", "evaluate"),
        *,
        status: Sequence[StatusEntry] = (),
        days: int = 900,
    ) -> bytes:
        """Log a credential by the owner about a dataset; return it."""
        period = (self.clock(), self.clock() + days * DAY)
        return log_credential(self.repository, dataset, OWNER, terms, period, status=status)

    def attest(
        self, dataset: Manifest, by: Signer = ATTESTER, *, kind: str = "deidentification"
    ) -> StatusEntry:
        """Log what somebody attests of a dataset; return where its bit is, which is not set."""
        status = StatusEntry("revocation", len(self.repository.entries()), LIST.format(by.did[-8:]))
        credential = self.permit(dataset)
        attestation = build_attestation(
            CredentialMetadata(by.did, self.clock(), self.clock() + 900 * DAY, status=[status]),
            Claims.of(parse(credential)["credentialSubject"]),
            kind=kind,
            statement=STATEMENT,
            documents={"opinion.pdf": b"opinion"},
            content_checked=True,
        )
        self.log(issue(attestation, by, self.clock()))
        self.say(status, by)
        return status

    def say(self, status: StatusEntry, by: Signer = ATTESTER, *, revoked: bool = False) -> None:
        """Log a status list by somebody."""
        bits = bytearray(STATUS_LIST_ENTRIES // 8)
        if revoked:
            bits[status.index // 8] |= 1 << (7 - status.index % 8)
        self.clock.advance(seconds=60)
        data = sign_list(status.url, status.purpose, bytes(bits), by, self.clock(), 900 * DAY)
        self.log(data)

    def add(self, rules: str, namespace: str = "acme") -> AddedRules:
        return add_rules(self.context(OWNER), rules, namespace)

    def pack(self, *rules: str, name: str = "own", version: str = "1") -> str:
        """Return the path of a pack file with some rules, TOML tables without their header."""
        head = f'pack = 1\nname = "{name}"\nversion = "{version}"\nasOf = "2026-11-01"\n'
        text = head + 'reviewed = "nobody"\n' + "".join(f"[[rule]]\n{one}\n" for one in rules)
        path = self.home / f"{name}-{version}.toml"
        path.write_text(text, "utf-8")
        return str(path)

    def waive(
        self, rule: str, about: Manifest, by: Signer = OFFICER, *, days: int = 30
    ) -> Manifest:
        until: date = (self.clock() + days * DAY).date()
        context = self.context(by)
        return waive_rule(
            context, rule, str(about.id), until=until, reason="checked", liable="the head"
        )[0]

    def facts(
        self, *used: Manifest, acts: Sequence[str] = ("train",), index: int | None = None
    ) -> list[Resource]:
        """Return the partitions of the sources that some datasets and models rest on."""
        ids = tuple(one.id for one in used)
        at = len(self.repository.entries()) if index is None else index
        lineage = Lineage.read(self.repository, *ids)
        data = DataUse(ids, Use(tuple(acts), self.repository.floor()), TRAINER.did)
        return list(dataset_resources(self.repository, lineage, data, at))

    def use(
        self, *data: Manifest, purpose: str = "train", name: str = "runs/acme/first"
    ) -> RulesUse:
        ids = [one.id for one in data if one.kind == "dataset"]
        base = next((one for one in data if one.kind == "checkpoint"), None)
        return train_use(self.repository, name, ids, base, self.body(purpose))

    @staticmethod
    def body(purpose: str = "train") -> dict[str, Any]:
        return {
            "purpose": purpose,
            "config": {},
            "seed": 1,
            "order": {"function": "shuffle/1", "records": {"train": 1}},
            "environment": {"python": "3.11", "platform": "x", "packages": {}, "threads": 1},
            "code": {"package": "x", "version": "1", "digest": str(Digest.of(b"code"))},
            "plannedOutputs": ["checkpoints/acme/first"],
            "rights": [],
        }

    def train(self, *data: Manifest, **others: Any) -> Manifest:
        """Log a run that the guard permits."""
        decided = require_permit(self.context(), self.use(*data, **others))
        return self.force(*data, decided=decided, **others)

    def force(
        self,
        *data: Manifest,
        decided: DecidedUse | None = None,
        cited: Manifest | None = None,
        signer: Signer = TRAINER,
        purpose: str = "train",
        name: str = "runs/acme/first",
    ) -> Manifest:
        """Log a run whether the rules permit it or not.

        Args:
            data: What it trains on, and its base.
            decided: The decision that is signed with it.
            cited: A decision of before that it names.
            signer: Who signs both.
            purpose: Of its body.
            name: Its name.
        """
        roles = {"dataset": "train", "checkpoint": "base"}
        inputs = [Input(roles[one.kind], one.kind, one.id) for one in data]
        with open_transaction(self.repository) as transaction:
            inputs += decided_inputs(self.context(signer), transaction, decided, name)
            if cited is not None:
                inputs.append(Input("decision", "decision", cited.id))
            run = self.sign("run", name, signer, body=self.body(purpose), inputs=inputs)
            transaction.log_manifest(run)
            transaction.commit()
        return run

    def forged(self, *data: Manifest, **others: Any) -> DecidedUse:
        """Return what the rules answer, as if they permitted it."""
        decided = decide_use(self.context(), self.use(*data, **others))
        assert decided is not None
        answers = tuple(RulesAnswer("permit") for _ in decided.answers)
        return replace(decided, answers=answers)

    def decision_of(self, run: Manifest) -> Manifest:
        return self.repository.manifest(run.inputs_in("decision")[0].id)

    def check(self, subject: Manifest) -> Check:
        """Return the check ``rules`` of what something rests on, as another program makes it."""
        fresh = Repository.open(self.home / ".lyrikstore")
        return check_rules(fresh, Lineage.read(fresh, subject.id))


def found(check: Check) -> tuple[str, str | None]:
    """Return the state of a check and its reason."""
    reason = check.detail.get("reason")
    return str(check.state), None if reason is None else str(reason)
