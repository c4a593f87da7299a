"""Stores whose people publish, buy, filter, unite and train, each step told to the oracle too."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from lyrikstore.api.verify import verify_folder
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import NotFoundError, PolicyError
from lyrikstore.context import StoreContext
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.curate.commit.commit import commit_folder
from lyrikstore.curate.commit.inputs import CommitMetadata, GeneratedBy
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes.apply import apply_recipe
from lyrikstore.curate.recipes.recipe import Recipe, parse_recipe
from lyrikstore.curate.terms.combined import Mix, mix
from lyrikstore.curate.terms.offer import Offer
from lyrikstore.curate.terms.sources import Asker, sources_of_datasets
from lyrikstore.deploy.notice import notice_of
from lyrikstore.history.commit.transaction import create_repository, open_transaction
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Input, Manifest, sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.source_files import path_prefix
from lyrikstore.history.sync.pull import clone, pull
from lyrikstore.history.sync.push import Remote, push
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.publish.cards.card import draft_card
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.identity.issuer import Issuance
from lyrikstore.publish.imports.import_credentials import import_credentials
from lyrikstore.publish.imports.import_delivery import import_delivery
from lyrikstore.publish.issue.dataset import permit_dataset
from lyrikstore.publish.issue.delivery import issue_delivery
from lyrikstore.publish.issue.grant import Licence, grant_licence
from lyrikstore.publish.status.changes import renew_lists, set_status, supersede
from lyrikstore.publish.status.current_list import CurrentList
from lyrikstore.publish.status.status_registry import StatusRegistry
from lyrikstore.testing.clocks import FrozenClock
from lyrikstore.testing.keys import signer_for
from lyrikstore.train import permitted
from lyrikstore.train.config import UseConfig
from lyrikstore.train.external.request import ExternalPlan, ExternalRun, plan_external
from lyrikstore.verify.delivery.folder import read_siblings
from lyrikstore.verify.report import Check, Report
from lyrikstore.verify.rights.recorded import check_rights
from tests.contexts import context_of
from tests.model.rights_oracle import (
    Data,
    Document,
    Knowledge,
    Model,
    Part,
    Row,
    Source,
    Thing,
    Wish,
    united,
)
from tests.model.rights_terms import said_in, terms_of, within

NAMES = ("acme", "home", "next")
"""A publisher, who buys from them, and who buys from both."""

ROLES = FieldRoles(text=("text",), label="label", id="id")
ENVIRONMENT = {"python": "3.11", "platform": "x", "packages": {}, "threads": 1}
CODE = {"package": "x", "version": "1", "digest": str(Digest.of(b"code"))}
EMAIL = "<EMAIL>"


class Place:
    """A store, who works in it, and what they know.

    Attributes:
        knows: What the oracle says that they know.
        data: The datasets there, oldest first.
        models: The models.
        refused: Why a run was refused last.
    """

    def __init__(self, folder: Path, name: str, clock: FrozenClock, everybody: Iterable[str]):
        self.folder, self.name, self.clock = folder / name, name, clock
        self.signer = signer_for(f"rights {name}")
        self.log = signer_for(f"rights {name} log")
        self.memory = LogMemory(self.folder / "memory")
        self.trust = Trust(
            tuple(TrustedIssuer(signer_for(f"rights {one}").did, one) for one in everybody)
        )
        self.repository: Repository = create_repository(
            self.folder / "store",
            origin=f"{name}.example/rights",
            signer=self.signer,
            log_signer=self.log,
            clock=clock,
            memory=self.memory,
        )
        self.knows = Knowledge(self.signer.did)
        self.data: list[Data] = []
        self.models: list[Model] = []
        self.own: Data | None = None
        self._count = 0
        self._copy: Repository | None = None
        self.refused = ""

    @property
    def context(self) -> StoreContext:
        """The store as it is now, and who works in it."""
        return context_of(self.repository, signer=self.signer, trust=self.trust, clock=self.clock)

    def title(self, what: str) -> str:
        """Return a name that nothing has here."""
        self._count += 1
        return f"{self.name}/{what}{self._count}"

    @contextmanager
    def away(self) -> Iterator[None]:
        """Do what follows in a clone that has just been pulled; what was done there is pushed."""
        home, backend = self.repository, LocalBackend(self.repository.root)
        if self._copy is None:
            memory = LogMemory(self.folder / "clone memory")
            self._copy, _ = clone(backend, "origin", self.folder / "clone", memory=memory)
            self._copy.log_signer = signer_for(f"rights {self.name} clone")
        else:
            pull(self._copy, backend, "origin", memory=self._copy.memory)
        self.repository = self._copy
        try:
            yield
        finally:
            self.repository = home
        remote = Remote(backend, home.root, "origin", False)
        push(self._copy, remote, memory=self._copy.memory, log_signer=lambda: self.log)
        home.refresh()

    # ---- data

    def commit(self, files: Mapping[str, int], writer: Model | None = None) -> Data:
        """Commit so many records in each file, or what a model wrote."""
        name = self.title("own")
        source = Source(name, self.signer.did, frozenset(files))
        folder = self.folder / "work"
        folder.mkdir()
        rows: dict[str, list[Row]] = {}
        for path, count in files.items():
            rows[path] = []
            for number in range(count):
                called = f"{name}-{path}-{number}"
                text = (
                    f"{'red' if number % 2 else 'blue'} a{number}@{name.replace('/', '.')} {path}"
                )
                rows[path].append(Row(called, text, source, path, writer))
            (folder / path).write_text(lines(rows[path]))
        stated = CommitMetadata(roles=ROLES)
        if writer is not None:
            by = GeneratedBy(str(writer.manifest.id), b"Write.", permits_training="yes")
            stated = CommitMetadata(roles=ROLES, generated=by)
        made = commit_folder(self.context, folder, name, stated)
        shutil.rmtree(folder)
        learned = {} if writer is None else writer.over
        over = united([{source: frozenset(files)}, learned])
        found = Data(made.manifest, rows, over, source)
        self.data.append(found)
        return found

    def filter(self, data: Data, recipe: str, kept: Callable[[Row], Row | bool]) -> Data:
        """Apply a recipe; ``kept`` is what it does to one record."""
        files = {
            path: [row for row in map(kept, rows) if isinstance(row, Row)]
            for path, rows in data.files.items()
        }
        return self._derive([data], parse_recipe(recipe.encode()), files)

    def unite(self, *some: Data) -> Data:
        """Put datasets together."""
        files = {
            path_prefix(one.manifest) + path: rows
            for one in some
            for path, rows in one.files.items()
        }
        return self._derive(some, None, files)

    def _derive(
        self, some: Iterable[Data], recipe: Recipe | None, files: dict[str, list[Row]]
    ) -> Data:
        refs = [str(one.manifest.id) for one in some]
        name = self.title("made")
        made = apply_recipe(self.context, refs, recipe, name)
        files = {path: rows for path, rows in files.items() if rows}
        found = Data(made.manifests[""], files, united(one.over for one in some))
        assert made.manifests[""].body["records"] == len(found.rows)
        self.data.append(found)
        return found

    # ---- what is said of it

    def permit(
        self, data: Data, parts: Mapping[str, Part], days: int | None = None,
        *, old: Document | None = None, listed: bool = False,
    ) -> Document:  # fmt: skip
        """Say what may be done with a dataset: what anybody has to say who committed it here."""
        made = permit_dataset(
            self.context, data.manifest, offer=Offer(terms_of(parts)),
            issuance=self._issuance(old, listed=listed),
            valid_for=days and timedelta(days=days),
        )  # fmt: skip
        said = self._said(made.credential, self._offered(data), listed=listed)
        if old is not None:
            old.successor = said
        return said

    def _offered(self, data: Data) -> Source:
        if data.offered is None:
            name, owner = data.manifest.name, self.signer.did
            data.offered = Source(name, owner, frozenset(data.files), held=True)
        return data.offered

    def issue(
        self, data: Data, parts: Mapping[str, Part], days: int | None
    ) -> tuple[Document, Path]:
        """Write a delivery; what is bought becomes part of a source of its own."""
        self.renew()
        folder = self.folder / self.title("delivery").replace("/", "-")
        made = issue_delivery(
            self.context, data.manifest, folder, offer=Offer(terms_of(parts)),
            issuance=self._issuance(), valid_for=days and timedelta(days=days),
        )  # fmt: skip
        return self._said(made.credential, self._offered(data), listed=True), folder

    def renew(self) -> list[CurrentList]:
        """Renew the lists, as a publisher does on a schedule, and return them."""
        self.knows.heard[self.signer.did] = self.clock()
        with suppress(NotFoundError):  # nothing was issued yet
            return renew_lists(self.context)
        return []

    def _issuance(self, old: Document | None = None, *, listed: bool = True) -> Issuance:
        url = f"https://{self.name}.example/status" if listed else None
        return Issuance(status_url=url, supersedes=None if old is None else old.data)

    def _said(self, data: bytes, source: Source, *, listed: bool) -> Document:
        parts, end = said_in(data, source.files)
        found = Document(data, self.signer.did, source, parts, end, listed)
        source.documents.append(found)
        self.knows.documents.append(found)
        return found

    def grant(
        self, under: Document, holder: str, words: Iterable[str], places: Iterable[str],
        duties: Iterable[str], days: int,
    ) -> Document:  # fmt: skip
        """Grant what the terms let one grant."""
        end = self.clock() + timedelta(days=days)
        licence = Licence(holder, tuple(words), end, tuple(duties), tuple(places))
        made = grant_licence(self.context, under.data, licence, self._issuance())
        found = Document(
            made.data, self.signer.did, under.about,
            {path: within(part, frozenset(places)) for path, part in under.parts.items()},
            end, True, under, holder, frozenset(words), frozenset(duties),
        )  # fmt: skip
        under.about.documents.append(found)
        self.knows.documents.append(found)
        return found

    def change(self, one: Document, what: str) -> None:
        """Revoke, suspend or reinstate something that was issued here."""
        named = str(Digest.of(one.data))
        purpose = "revocation" if what == "revoke" else "suspension"
        set_status(self.context, named, purpose, value=what != "reinstate")
        one.revoked = one.revoked or what == "revoke"
        one.said.append((self.clock(), what == "reinstate" and not one.revoked))

    def replace(self, one: Document) -> None:
        """Revoke what another one took the place of."""
        supersede(self.context, str(Digest.of(one.data)))
        one.revoked = True
        one.said.append((self.clock(), False))

    # ---- between stores

    def verify_delivery(self, folder: Path) -> Report:
        """Return what is said of a delivery before it is taken in."""
        credential = folder / "credential.json"
        return verify_folder(
            OpenedCredential(credential.read_bytes()), read_siblings(credential), folder / "data",
            trust=self.trust, at=self.clock(), memory=self.memory,
        )  # fmt: skip

    def take_in(self, folder: Path, sold: Data, document: Document) -> Data:
        """Import a delivery."""
        credential = folder / "credential.json"
        made = import_delivery(
            self.context, credential.read_bytes(),
            read_siblings(credential), folder / "data", self.verify_delivery(folder),
            name=self.title("bought"),
        )  # fmt: skip
        assert made.manifest is not None
        assert sold.offered is not None
        source = sold.offered
        # What is below, nobody here knows but for what the seller says of it.
        files = {
            path: [Row(row.id, row.text, source, path) for row in rows]
            for path, rows in sold.files.items()
        }
        found = Data(made.manifest, files, {source: source.files})
        self.knows.documents.append(document)
        self.knows.heard[document.issuer] = self.clock()
        self.data.append(found)
        return found

    def hear(self, other: Place) -> None:
        """Fetch what another store has issued about what is here, and its lists of today."""
        lists = other.renew()
        sources = [one for data in self.data for one in data.over]
        wanted = {
            f"{number}.json": one.data
            for number, one in enumerate(other.knows.documents)
            if one.about in sources and one.issuer == other.signer.did
            and one not in self.knows.documents and self._holds(one)
        }  # fmt: skip
        siblings = {one.content.url.rpartition("/")[2]: one.data for one in lists}
        mine = StatusRegistry.of(self.repository)
        fresh = {name: data for name, data in siblings.items() if self._is_newer(mine, data)}
        import_credentials(self.context, wanted, siblings)
        fresh = {
            name: data for name, data in fresh.items()
            if not self.repository.is_logged(Digest.of(data), "credential")
        }  # fmt: skip
        if fresh:
            import_credentials(self.context, fresh, {})
        self.knows.documents += [
            one for one in other.knows.documents if one.data in wanted.values()
        ]
        self.knows.heard[other.signer.did] = self.clock()

    def _holds(self, one: Document) -> bool:
        ended = one.end is not None and self.clock() > one.end
        return one.holds(self.clock()) and not ended

    def _is_newer(self, registry: StatusRegistry, data: bytes) -> bool:
        opened = OpenedCredential(data)
        return any(opened.list_url == url for url, _ in registry.lists)

    # ---- models

    def ask(self, learned: Iterable[Data], base: Model | None, wish: Wish) -> ExternalPlan | None:
        """Return what a run would be, or None if it is refused for want of rights."""
        request = ExternalRun(
            tuple(str(one.manifest.id) for one in learned),
            f"{self.name}/asked",
            base="" if base is None else str(base.manifest.id),
            use=UseConfig(
                also=tuple(sorted(wish.acts - {"train"})),
                territory=(wish.place,) if wish.place else (),
            ),
        )
        try:
            # That somebody reviewed what a model wrote is another rule (test_candidates.py).
            with patch.object(permitted, "unreviewed_candidates", return_value=[]):
                return plan_external(self.context, request)
        except PolicyError as error:
            check_kind(error, "rights-missing")
            self.refused = error.message
            return None

    def train(
        self, learned: tuple[Data, ...], base: Model | None, wish: Wish,
        rights: dict[str, Any], *, honest: bool,
    ) -> Model:  # fmt: skip
        """Sign a run with these members about rights, and its checkpoint."""
        name = self.title("model")
        use: dict[str, Any] = {}
        if wish.acts - {"train"}:
            use["also"] = sorted(wish.acts - {"train"})
        if wish.place:
            use["territory"] = [wish.place]
        below = [] if base is None else [Input("base", "checkpoint", base.manifest.id)]
        data = [Input("train", "dataset", one.manifest.id) for one in learned]
        run = self._log(
            "run", f"runs/{name}", [*data, *below],
            {
                "purpose": "train", "config": {"use": use}, "seed": 1,
                "order": {"function": "shuffle/1", "records": {"train": 1}},
                "environment": ENVIRONMENT, "code": CODE,
                "plannedOutputs": [f"checkpoints/{name}"], **rights,
            },
        )  # fmt: skip
        body = {
            "origin": "trained", "step": 1, "epoch": "1", "final": True, "format": "tfidf/1",
            "task": "text-classification", "labels": ["a", "b"], "metrics": {"trainLoss": "0.1"},
        }  # fmt: skip
        inputs = [Input("run", "run", run.id), *below, *data]
        manifest = self._log("checkpoint", f"checkpoints/{name}", inputs, body)
        bases = () if base is None else (base,)
        found = Model(manifest, learned, bases, self._recorded(rights["rights"]), wish, honest)
        self.models.append(found)
        return found

    def merge(self, model: Model) -> Model:
        """Sign a checkpoint that another one was merged into."""
        body = {
            **{name: model.manifest.body[name] for name in ("task", "labels")},
            "origin": "derived", "format": "encoder/1", "operation": {"use": "merge-adapters/1"},
            "text": {"maxTokens": 16, "pooling": "mean"},
        }  # fmt: skip
        inputs = [Input("source", "checkpoint", model.manifest.id), *model.manifest.inputs]
        name = f"checkpoints/{self.title('merged')}"
        manifest = self._log("checkpoint", name, inputs, body)
        found = Model(manifest, model.learned, (model,), model.recorded, model.wish, model.honest)
        self.models.append(found)
        return found

    def _log(self, kind: str, name: str, inputs: list[Input], body: dict[str, Any]) -> Manifest:
        with open_transaction(self.repository) as tx:
            tree = Tree.of([TreeEntry("m.bin", len(name), tx.writer.put_data(name.encode()))])
            tx.writer.put_bytes(tree.encode())
            has_files = {"tree": tree.id, "files": tree.files_id} if kind == "checkpoint" else {}
            manifest = sign_manifest(
                kind=kind, store=self.repository.store_id, name=name, body=body, signer=self.signer,
                inputs=list(dict.fromkeys(inputs)), created=self.clock(), **has_files,
            )  # fmt: skip
            tx.log_manifest(manifest)
            tx.commit()
        return manifest

    def _recorded(self, rights: list[dict[str, Any]]) -> dict[Source, Document]:
        named = {str(Digest.of(one.data)): one for one in self.knows.documents}
        found = [named[one.get("grant", one["credential"])] for one in rights]
        return {one.about: one for one in found}

    # ---- what the program says

    def terms(self, things: Iterable[Thing], wish: Wish) -> Mix:
        """Return what ``terms`` answers."""
        asker = Asker(self.trust, self.clock(), self.signer.did)
        manifests = [one.manifest for one in things]
        use = asker.use(tuple(sorted(wish.acts)), territory=(wish.place,) if wish.place else ())
        return mix(sources_of_datasets(self.repository, manifests, asker), use)

    def verify(self, model: Model) -> Check:
        """Return ``rights`` of a model."""
        ancestry = Lineage.read(self.repository, model.manifest.id)
        return check_rights(self.repository, ancestry, trust=self.trust, at=self.clock())

    def said_of(self, model: Model) -> tuple[str, str]:
        """Return the attributions of a model, and its card."""
        notice = notice_of(self.repository, gather(self.repository, model.manifest))
        return notice.text, draft_card(self.repository, model.manifest).data.decode()


def lines(rows: Iterable[Row]) -> str:
    """Return records as JSON Lines."""
    return "".join(
        json.dumps({"id": row.id, "text": row.text, "label": "ab"[len(row.text) % 2]}) + "\n"
        for row in rows
    )


def check_kind(error: PolicyError, kind: str) -> None:
    """Fail if an error is of another kind."""
    if error.kind != kind:
        raise error


def recorded(plan: ExternalPlan) -> dict[str, Any]:
    """Return what a run records of its rights."""
    return plan.rights.to_body()
