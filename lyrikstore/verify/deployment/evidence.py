"""The check ``deployment.evidence`` of the files below ``lyrikstore/`` (spec §14.7.7).

Every file there has a name of the fixed list (:mod:`lyrikstore.verify.deployment.layout`). A signed
digest, its own signature, or its place in the log proves that it is what its name states.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.quoting import listed, quote
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.did import documents_among
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.status_entry import StatusEntry
from lyrikstore.history.log.checkpoint import Leaf, TlogProof
from lyrikstore.history.log.consistency_file import ConsistencyFile
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.trees.tree import Tree
from lyrikstore.verify.credential.key_statements import parse_statement
from lyrikstore.verify.delivery.alone import SignedAlone
from lyrikstore.verify.deployment import layout
from lyrikstore.verify.deployment.credentials import credentials_of, left_out, renewed_by
from lyrikstore.verify.deployment.layout import EvidenceFile, Vouched, evidence_file
from lyrikstore.verify.deployment.model_sig import FAULTS
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, CheckState

_CHECK = "deployment.evidence"
_T = TypeVar("_T")


class EvidenceFiles(Struct, frozen=True):
    """The files below ``lyrikstore/``.

    Attributes:
        files: Name → bytes, for the names on the fixed list.
        surplus: Paths that do not belong there: other names, links, devices, files in folders.
        litter: Files that desktop programs create, such as ``.DS_Store``.
        unreadable: Files that cannot be read.
    """

    files: Mapping[str, bytes]
    surplus: tuple[str, ...] = ()
    litter: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


class EvidenceOutcome(Struct, frozen=True):
    """The result of the check.

    Attributes:
        check: ``deployment.evidence``.
        tree: The tree of the deployment, if it is present and valid.
        inputs: Its present and valid inputs, by id.
        credentials: The present credentials that the deployment and its run name, by id.
    """

    check: Check
    tree: Tree | None
    inputs: Mapping[Digest, Manifest]
    credentials: Mapping[Digest, OpenedCredential]


def check_evidence(
    deployment: Manifest,
    evidence: EvidenceFiles,
    signed: SignedAlone,
    fault_of: Callable[[bytes], str | None],
) -> EvidenceOutcome:
    """Return the check whether every file below ``lyrikstore/`` is what its name states.

    Args:
        deployment: The manifest.
        evidence: The files below ``lyrikstore/``.
        signed: The results of the checks of the manifest.
        fault_of: Function that returns the fault of ``model.sig``, or None.

    Cost: a signature for each manifest and log proof.
    """
    return _Review(deployment, evidence, signed).check(fault_of)


class _Review:
    def __init__(self, deployment: Manifest, evidence: EvidenceFiles, signed: SignedAlone) -> None:
        self._deployment = deployment
        self._evidence = evidence
        self._files = evidence.files
        self._signed = signed
        self._problems = Problems(_CHECK)
        self._extra: list[str] = list(evidence.surplus)
        self._missing: list[str] = []
        self._inputs: dict[Digest, Manifest] = {}
        self._credentials: dict[Digest, OpenedCredential] = {}

    def check(self, fault_of: Callable[[bytes], str | None]) -> EvidenceOutcome:
        self._find_extra()
        for name in sorted(self._evidence.unreadable):
            self._lose("unreadable", name, "cannot be read")
        tree = self._read_tree()
        for item in self._deployment.inputs:
            self._check_input(item.kind, item.id)
        self._check_card()
        self._check_attachments(fault_of)
        self._check_credentials()
        self._check_log()
        for name in sorted(self._evidence.litter):
            self._problems.add(self._problems.warnings, "litter", f"{_place(name)}: desktop litter")
        detail = {
            name: listed([f"{layout.FOLDER}/{path}" for path in sorted(found)])
            for name, found in (("extra", self._extra), ("missing", self._missing))
            if found
        }
        count = pluralize(len(self._files), "file")
        check = self._problems.close(f"{count} beside it, each verified", **detail)
        return EvidenceOutcome(check, tree, self._inputs, self._credentials)

    def _find_extra(self) -> None:
        inputs = {(item.kind, item.id.short) for item in self._deployment.inputs}
        has_card = bool(self._deployment.inputs_in("card"))
        for name in self._files:
            found = _known(name)
            belongs = {
                Vouched.NOTHING: False,
                Vouched.CARD: has_card,
                Vouched.INPUT: (found.kind, found.short) in inputs,
            }
            if not belongs.get(found.vouched, True):
                self._extra.append(name)
        for name in sorted(self._extra):
            self._fail("extra", name, "does not belong there")

    def _read_tree(self) -> Tree | None:
        data = self._take(layout.TREE, self._deployment.tree)
        tree = self._parse(Tree.parse, layout.TREE, data)
        if tree is None:
            return None
        # ATTACK: a tree that lists files where only evidence lies: nobody would look for them.
        if any(path.split("/")[0].casefold() == layout.FOLDER for path in tree.paths):
            self._fail("bad-tree", layout.TREE, f"lists files below {layout.FOLDER}/")
            return None
        if tree.files_id != self._deployment.files:
            self._fail("disagrees", layout.TREE, "without metadata, it is not the one signed")
            return None
        return tree

    def _check_input(self, kind: str, identity: Digest) -> None:
        name = layout.input_name(kind, identity.short)
        data = self._take(f"{name}.json", identity)
        manifest = self._parse(parse_manifest, f"{name}.json", data)
        if manifest is None:
            return
        if manifest.kind != kind or manifest.store != self._deployment.store:
            self._fail("disagrees", f"{name}.json", f"is no {kind} of that store")
            return
        proven = self._check_proof(f"{name}.tlog-proof", Leaf("manifest", identity))
        logged, author = self._signed.judge_author(manifest)
        if author.state is CheckState.FAIL:
            self._fail(str(author.detail["reason"]), f"{name}.json", author.summary)
            return
        if author.state is not CheckState.PASS:
            if proven:  # else what is wrong is said
                self._lose(str(author.detail["reason"]), f"{name}.json", author.summary)
            return
        at, _ = self._signed.judge_author(self._deployment)
        if at is not None and logged is not None and logged.index >= at.index:
            self._fail("logged-later", f"{name}.json", "was logged after the deployment")
            return
        self._inputs[identity] = manifest

    def _check_card(self) -> None:
        for item in self._deployment.inputs_in("card"):
            card = self._inputs.get(item.id)
            if card is not None and (card.attachments_in("markdown") or layout.CARD in self._files):
                self._take(layout.CARD, card.attachments_in("card")[0].id)

    def _check_attachments(self, fault_of: Callable[[bytes], str | None]) -> None:
        for role, name in (
            (layout.REPORT_ROLE, layout.REPORT),
            (layout.SIGNED_FILES_ROLE, layout.SIGNED_FILES),
        ):
            data = self._take(name, self._deployment.attachments_in(role)[0].id)
            fault = fault_of(data) if data is not None and name == layout.SIGNED_FILES else None
            if fault is not None:
                self._fail(fault, name, FAULTS[fault])

    def _check_credentials(self) -> None:
        run = next((self._inputs.get(item.id) for item in self._deployment.inputs_in("run")), None)
        # A file about one that is said to be left out belongs there as little as any other.
        renewed = renewed_by(self._deployment)
        given = [] if run is None else credentials_of(run, renewed)
        shown = [one for one in given if one not in left_out(self._deployment)]
        named = {one.short for one in shown}
        for identity in shown:
            name = f"credential-{identity.short}.json"
            data = self._files.get(name)
            if data is None:
                self._miss(name)
                continue
            opened = OpenedCredential(data)
            if opened.id != identity:
                self._fail("differs", name, "is another than the one that is named")
                continue
            self._credentials[identity] = opened
            self._check_proof(
                f"credential-{identity.short}.tlog-proof", Leaf("credential", identity)
            )
        urls = {
            (identity.short, entry.url)
            for identity, opened in self._credentials.items()
            for entry in _entries(opened)
        }
        issuers = {opened.issuer for opened in self._credentials.values()}
        for name, found in sorted((name, _known(name)) for name in self._files):
            if found.vouched is not Vouched.CREDENTIAL:
                continue
            data, opened = self._files[name], OpenedCredential(self._files[name])
            stem = name.partition(".")[0]
            if stem.startswith(("statement-", "document-")):
                self._check_said(name, found, data, issuers)
            elif run is None:
                continue  # which credentials belong there, its run says
            elif found.short not in named:
                self._extra.append(name)
                self._fail("extra", name, "is about no credential that belongs there")
            elif stem.count("-") > 1 and (found.short, opened.list_url) not in urls:
                self._fail("differs", name, "is no status list of that credential")

    def _check_said(
        self, name: str, found: EvidenceFile, data: bytes, issuers: Iterable[str | None]
    ) -> None:
        if Digest.of(data).short != found.short:
            self._fail("differs", name, "has another digest than its name says")
        elif name.startswith("document-"):
            ids = {one.document.id for one in documents_among([data])}
            if not ids & set(issuers):
                self._fail("differs", name, "is no DID document of who issued a credential")
        else:
            said = self._parse(parse_statement, name, data)
            if isinstance(said, Manifest) and said.kind not in {"genesis", "policy"}:
                self._fail("disagrees", name, "is neither a policy, nor a log proof")

    def _check_log(self) -> None:
        # ATTACK A105: the founding manifest under another name, and any bytes in its place.
        self._take(layout.GENESIS, self._deployment.store)
        self._check_proof(layout.LOG_PROOF, Leaf("manifest", self._deployment.id))
        for name in sorted(self._files):
            if _known(name).vouched is not Vouched.LOG or not name.startswith("policy-"):
                continue
            stem, _, ending = name.partition(".")
            if ending == "json":
                self._check_policy(stem)
            elif f"{stem}.json" not in self._files:
                self._extra.append(name)
                self._fail("extra", name, "is about nothing that is there")
        self._check_consistency()

    def _check_policy(self, stem: str) -> None:
        name = f"{stem}.json"
        policy = self._parse(parse_manifest, name, self._files[name])
        if policy is None:
            return
        if policy.kind != "policy" or policy.store != self._deployment.store:
            self._fail("disagrees", name, "is no policy of that store")
        elif stem != f"policy-{policy.body['policy']['version']}":
            self._fail("disagrees", name, "is another version of the policy")
        else:
            # ATTACK A105: a policy that no log has, signed by anybody.
            self._check_proof(f"{stem}.tlog-proof", Leaf("manifest", policy.id))

    def _check_consistency(self) -> None:
        data, leaves = self._files.get(layout.CONSISTENCY), self._files.get(layout.LEAVES)
        if data is None:
            self._miss(layout.CONSISTENCY)
            if leaves is not None:
                self._extra.append(layout.LEAVES)
                self._fail("extra", layout.LEAVES, "is about nothing that is there")
            return
        stated = self._parse(ConsistencyFile.parse, layout.CONSISTENCY, data)
        if stated is None:
            return
        if not self._leads_here(stated):
            self._fail("differs", layout.CONSISTENCY, "is of another log, or another checkpoint")
        if stated.leaves is None and leaves is None:
            return
        data = self._take(layout.LEAVES, None if stated.leaves is None else stated.leaves[0])
        # ATTACK A105: whoever changes the leaf hashes writes their digest into the file beside.
        if data is not None and not stated.has_leaves(data):
            self._fail("differs", layout.LEAVES, "does not lead to the root that is stated")

    def _leads_here(self, stated: ConsistencyFile) -> bool:
        """Return whether a consistency file names the log checkpoint of the deployment's proof."""
        try:
            head = TlogProof.parse(self._files.get(layout.LOG_PROOF, b"")).stated
        except LyrikstoreError:
            return True  # that it is no proof is said already
        at = None if head is None else stated.roots.get(head.size)
        return head is None or (stated.origin, at) == (head.origin, head.root)

    def _check_proof(self, name: str, leaf: Leaf) -> bool:
        """Return whether a log proof leads from a leaf; always false without policies."""
        data, history = self._files.get(name), self._signed.history
        if data is None:
            self._miss(name)
            return False
        if history is None:
            return True
        try:
            history.check_head(TlogProof.parse(data).verify(leaf, history.log_keys))
        except LyrikstoreError as error:
            self._fail(error.kind, name, quote(error.message, 200))
            return False
        return True

    def _parse(self, parse: Callable[[bytes], _T], name: str, data: bytes | None) -> _T | None:
        """Return the parsed content of a file; None if it is missing or invalid."""
        try:
            return None if data is None else parse(data)
        except LyrikstoreError as error:
            self._fail(error.kind, name, quote(error.message, 200))
            return None

    def _take(self, name: str, wanted: Digest | None) -> bytes | None:
        """Return a file if it has the signed digest."""
        data = self._files.get(name)
        if data is None:
            self._miss(name)
            return None
        if wanted is None or Digest.of(data) != wanted:
            self._fail("differs", name, "is another than the one that is signed")
            return None
        return data

    def _miss(self, name: str) -> None:
        if name not in self._evidence.unreadable:
            self._missing.append(name)
            self._lose("missing-file", name, "is not there")

    def _fail(self, code: str, name: str, text: str) -> None:
        self._problems.add(self._problems.bad, code, f"{_place(name)}: {text}")

    def _lose(self, code: str, name: str, text: str) -> None:
        self._problems.add(self._problems.lost, code, f"{_place(name)}: {text}")


def _entries(opened: OpenedCredential) -> tuple[StatusEntry, ...]:
    try:
        return opened.entries
    except FormatError:
        return ()


def _known(name: str) -> EvidenceFile:
    found = evidence_file(name)
    if found is None:
        raise ValueError(f"{name} is no name of the fixed list")
    return found


def _place(name: str) -> str:
    return quote(f"{layout.FOLDER}/{name}", 300)
