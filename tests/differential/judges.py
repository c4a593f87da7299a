"""The two verifiers over one case, and how far their answers differ."""

import base64
import io
import json
import subprocess
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Self

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.credentials.did import Resolver, documents_among
from lyrikstore.credentials.model.credential import DATASET
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import parse_trust
from lyrikstore.curate.readers import iter_records
from lyrikstore.curate.terms.measures import Measurement
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.credential.status import StatusUpdates
from lyrikstore.verify.delivery.compare_files import (
    EachFile,
    FileComparison,
    FoundFile,
    FoundKind,
    compare_listing,
    is_litter,
)
from lyrikstore.verify.delivery.delivery import verify_alone, verify_delivery
from lyrikstore.verify.delivery.line_ends import digest_with, ends_before
from lyrikstore.verify.delivery.siblings import SiblingFiles
from lyrikstore.verify.deployment import layout
from lyrikstore.verify.deployment.deployment import verify_deployment
from lyrikstore.verify.deployment.evidence import EvidenceFiles
from lyrikstore.w3c.profile.presentation import is_presentation, verify_presentation
from lyrikstore.w3c.profile.resources import Resources
from lyrikstore.w3c.profile.verify import Surroundings, verify_w3c

PAGE = Path(__file__).resolve().parents[2] / "page"
GIVEN = "given/"  # how the page calls what was given apart from the delivery


@dataclass(frozen=True)
class Case:
    """What a verifier is handed.

    Of a deployed folder ``siblings`` is what lies below ``lyrikstore/``, and ``data`` the rest.
    """

    target: bytes
    siblings: Mapping[str, bytes] = field(default_factory=dict)
    data: Mapping[str, bytes] | None = None
    trust: bytes = b"version = 1\n"
    at: str = "2026-11-24T14:12:39Z"
    challenge: str | None = None
    domain: str | None = None
    recompute: bool = True
    deployed: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as both processes and people can read it again."""

        def spelt(files: Mapping[str, bytes]) -> list[list[str]]:
            return [[name, base64.b64encode(data).decode()] for name, data in files.items()]

        return {
            "target": base64.b64encode(self.target).decode(),
            "siblings": spelt(self.siblings),
            "data": None if self.data is None else spelt(self.data),
            "trust": base64.b64encode(self.trust).decode(),
            "at": self.at,
            "challenge": self.challenge,
            "domain": self.domain,
            "recompute": self.recompute,
            "deployed": self.deployed,
        }

    @classmethod
    def of_json(cls, given: dict[str, Any]) -> Self:
        """Return the case that was spelt so."""

        def read(files: list[list[str]]) -> dict[str, bytes]:
            return {name: base64.b64decode(data) for name, data in files}

        return cls(**{
            **given,
            "target": base64.b64decode(given["target"]),
            "trust": base64.b64decode(given["trust"]),
            "siblings": read(given["siblings"]),
            "data": None if given["data"] is None else read(given["data"]),
        })  # fmt: skip


class Held:
    """Data at hand, as a source that is compared with a tree."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def compare(self, tree: Tree, each: EachFile | None = None) -> FileComparison:
        listed = {entry.bytes for entry in tree.entries}
        found = {
            path: FoundFile(
                FoundKind.FILE, len(data), Digest.of(data) if len(data) in listed else None
            )
            for path, data in self._files.items()
        }
        for entry in tree.entries if each else ():
            if entry.path in found and found[entry.path].bytes == entry.bytes:
                each(entry, io.BytesIO(self._files[entry.path]))
        return compare_listing(tree, found, self._is_rewritten)

    def _is_rewritten(self, entry: TreeEntry, found: FoundFile) -> bool:
        ends = ends_before(found.bytes, entry.bytes)
        stream = io.BytesIO(self._files[entry.path])
        return ends is not None and digest_with(ends, stream, entry.bytes) == entry.blake3

    def tree(self) -> Tree:
        return Tree.of(TreeEntry(path, len(d), Digest.of(d)) for path, d in self._files.items())


def _record_ids(reader: str, entry: TreeEntry, stream: BinaryIO) -> Iterator[Digest]:
    return (record.id for record in iter_records(reader, entry.path, stream))


def by_python(case: Case) -> dict[str, Any]:
    """Return what the Python verifier answers, chosen as the command line chooses."""
    try:
        trust = parse_trust(case.trust, lambda path: case.siblings.get(path, b""))
    except FormatError as error:
        return {"refused": error.kind}
    try:
        report = _report(case, trust)
    except Exception:
        return {"thrown": traceback.format_exc()}
    return json.loads(json.dumps(report.to_json()))


def _report(case: Case, trust: Any) -> Any:
    at, files = parse_timestamp(case.at), list(case.siblings.values())
    if case.deployed:
        return verify_deployment(
            _evidence(case.siblings), Held(case.data or {}), trust=trust, at=at
        )
    asked = case.challenge is not None or case.domain is not None
    if not asked and OpenedCredential(case.target).profile == "lyrik":
        kind = OpenedCredential(case.target).kind
        if kind is not None and kind is not DATASET:
            return verify_alone(
                OpenedCredential(case.target),
                siblings=SiblingFiles.unnamed(map(OpenedCredential, files)),
                trust=trust,
                at=at,
            )
        return verify_delivery(
            OpenedCredential(case.target),
            siblings=case.siblings,
            data=None if case.data is None else Held(case.data),
            record_ids=_record_ids,
            trust=trust,
            at=at,
            recompute=Measurement if case.recompute else None,
        )
    named = {name: data for name, data in case.siblings.items() if name.startswith(GIVEN)}
    beside = [data for name, data in case.siblings.items() if name not in named]
    around = Surroundings(
        trust=trust,
        at=at,
        resolver=Resolver((*trust.known_documents(), *documents_among(files))),
        status_updates=StatusUpdates.among(map(OpenedCredential, files)),
        resources=Resources(named, beside),
    )
    if asked or is_presentation(case.target):
        return verify_presentation(
            case.target, around, challenge=case.challenge, domain=case.domain
        )
    return verify_w3c(case.target, around)


def _evidence(files: Mapping[str, bytes]) -> EvidenceFiles:
    litter = [name for name in files if is_litter(name)]
    rest = [name for name in files if name not in litter]
    known = {name: files[name] for name in sorted(rest) if layout.evidence_file(name)}
    surplus = [name for name in rest if name not in known]
    return EvidenceFiles(known, tuple(surplus), tuple(litter))


class PageVerifier:
    """The page's verifier in one long-lived process.

    Args:
        page: The folder with its sources.
    """

    def __init__(self, page: Path = PAGE) -> None:
        script = Path(__file__).with_name("judge.mjs")
        self._process = subprocess.Popen(
            ["node", str(script), str(page)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()

    def __call__(self, case: Case) -> dict[str, Any]:
        """Return what it answers."""
        self._process.stdin.write(json.dumps(case.to_json()).encode() + b"\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        return json.loads(answer) if answer else {"thrown": "the process ended"}


def differences(left: Any, right: Any) -> list[str]:
    """Return what two answers do not say alike: paths, each with both sayings; none if equal.

    They owe each other ids, states, reasons and details. Summaries are for people, and so are
    problems: they are how summaries go on.
    """
    found: list[str] = []
    _compare("", _comparable(left), _comparable(right), found)
    found += [f"{side} threw: {one['thrown']}" for side, one in (("Python", left), ("page", right))
              if "thrown" in one]  # fmt: skip
    return found


def _comparable(report: dict[str, Any]) -> dict[str, Any]:
    if "checks" not in report:
        return report
    return {
        **{name: value for name, value in report.items() if name not in {"checks", "parts"}},
        "checks": {check["id"]: answer(check) for check in report["checks"]},
        "parts": [_comparable(part) for part in report.get("parts", [])],
    }


def answer(check: dict[str, Any]) -> dict[str, Any]:
    """Return what a check says to programs: all but its summary."""
    detail = dict(check.get("detail", {}))
    if "problems" in detail:
        detail["problems"] = len(detail["problems"])
    if "attestations" in detail:
        detail["attestations"] = [_comparable(one) for one in detail["attestations"]]
    return {name: check[name] for name in ("state", "spec") if name in check} | {"detail": detail}


def _compare(path: str, left: Any, right: Any, found: list[str]) -> None:
    if isinstance(left, dict) and isinstance(right, dict):
        for name in dict.fromkeys((*left, *right)):
            _compare(f"{path}.{name}", left.get(name), right.get(name), found)
    elif left != right:
        found.append(f"{path[1:]}: Python {json.dumps(left)}, page {json.dumps(right)}")
