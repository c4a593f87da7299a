"""Makes ``verdicts/resold.json``: deliveries of data that was imported from another publisher.

Each case is the delivery in ``base`` with some parts replaced (``null``: removed). All that the one
who hands it on signed holds, what is too wide as well. The expected answers are written by hand.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import make_credentials as made
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import parse
from lyrikstore.canon.limits import STATUS_LIST_ENTRIES
from lyrikstore.credentials.issue import issue, reference_to
from lyrikstore.credentials.model.credential import Claims, CredentialMetadata, sha256_multibase
from lyrikstore.credentials.model.dataset import build_dataset_credential
from lyrikstore.credentials.model.grant import build_grant
from lyrikstore.credentials.model.redistribution import CREDENTIAL_TYPE
from lyrikstore.credentials.model.status_entry import StatusEntry
from lyrikstore.credentials.model.status_list import sign_list
from lyrikstore.credentials.terms.model import whole
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import Leaf, LogCheckpoint, TlogProof
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.policy.policy import Genesis, Policy
from lyrikstore.history.records.order_root import order_root

SHOP, SHOP_LOG = (KeySigner(PrivateKey.from_seed(bytes([n]) * 32)) for n in (0xC0, 0xC1))
ORIGIN = "shop.example/archive"
NAME = "datasets/shop/contracts"
START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 11, 1, tzinfo=UTC)
URL = "https://data.example/status/revocation-1.json"
BOTH = (
    f'version = 1\n\n[[issuer]]\ndid = "{SHOP.did}"\nnickname = "Shop"\n\n'
    f'[[issuer]]\ndid = "{made.OWNER.did}"\nnickname = "Acme"\n'
)
SHOP_ALONE = f'version = 1\n\n[[issuer]]\ndid = "{SHOP.did}"\nnickname = "Shop"\n'
WORDS = ["train", "evaluate", "redistribute"]
LIMITS = {
    "type": "TermLimits", "territory": ["DE", "FR"], "useUntil": "2027-06-01T00:00:00Z",
    "seats": 5, "purposes": ["internalOperations", "education"],
}  # fmt: skip
NARROWER = {**LIMITS, "territory": ["DE-BY"], "seats": 2, "purposes": ["education"]}

Change = Callable[[dict[str, Any]], object]


def part(**members: Any) -> dict[str, Any]:
    """Return the one partition of the delivery; what is None is left out."""
    return made.part(**{"permits": WORDS, "prohibits": None, **members})


def saying(*parts: dict[str, Any], **members: Any) -> Change:
    """Return a change of the partitions of a credential, and of other members."""

    def change(document: dict[str, Any]) -> None:
        document["credentialSubject"]["licence"]["partitions"] = list(parts)
        for name, value in members.items():
            document.pop(name) if value is None else document.update({name: value})

    return change


def halves(one: dict[str, Any], other: dict[str, Any], **members: Any) -> Change:
    """Return a change to two partitions: what is below ``a``, and the rest."""
    select = [{"type": "PathSelector", "path": "a"}]
    return saying(
        {
            **one,
            "name": "a",
            "select": select,
            "fileCount": 2,
            "byteSize": "39",
            "recordCount": "2",
        },
        {**other, "name": "rest", "fileCount": 3, "byteSize": "40", "recordCount": "3"},
        **members,
    )


def make() -> dict[str, Any]:
    """Return file name → content."""
    world = made.world()
    theirs = made.resigned(world.credential, saying(part()))
    shop = _Shop(world)
    base = {
        "at": "2026-11-24T14:12:39Z",
        "trust": BOTH,
        "credential": shop.credential([theirs], saying(part(permits=["train"]))),
        "siblings": {
            **shop.siblings(theirs),
            "source-genesis.json": world.genesis.encode().decode(),
        },
        "data": {path: data.decode() for path, data in made.FILES.items()},
    }
    cases = [
        {"id": name, "verdict": verdict, "checks": {"terms.sources": reason}, "changes": changes}
        for name, verdict, reason, changes in _rows(world, shop, theirs)
    ]
    return {"verdicts/resold.json": {"base": base, "cases": cases}}


def _rows(world: Any, shop: "_Shop", theirs: bytes) -> list[tuple[str, str, str, dict[str, Any]]]:
    def case(
        name: str, verdict: str, reason: str, change: Change, first: bytes = theirs, **more: Any
    ) -> tuple[str, str, str, dict[str, Any]]:
        """Return what the one who hands it on says, by ``change``, over what the first says."""
        siblings = {"source-1.json": first.decode(), **more.pop("siblings", {})}
        credential = shop.credential([first, *more.pop("pins", ())], change)
        return name, verdict, reason, {"credential": credential, "siblings": siblings, **more}

    def first(change: Change) -> bytes:
        return made.resigned(world.credential, change)

    limited = first(saying(part(limits=LIMITS)))
    closed = first(saying(part(permits=["evaluate"], grantable=["train", "redistribute"])))
    grant = _grant(closed, SHOP.did)
    entry = StatusEntry("revocation", 94567, URL)
    listed = first(saying(part(), credentialStatus=entry.to_json()))
    apart = first(halves(part(), part(permits=["evaluate", "redistribute"])))
    train = saying(part(permits=["train"]))
    within = saying(part(permits=["train"], limits=NARROWER, requires=["attribution", "reportUse"]))
    other = first(lambda d: (saying(part())(d), d["credentialSubject"].update(manifest=_urn(b"x"))))
    newer = made.resigned(
        theirs,
        lambda d: d.update(id="urn:uuid:3f0a1d52-6c86-4f0e-9a44-6a1f2a0f6f1c",
                           supersedes=reference_to(theirs)),
    )  # fmt: skip
    edited = made.edited(theirs, made.term("permits", [*WORDS, "modify"]))

    def wider(name: str, **members: Any) -> tuple[str, str, str, dict[str, Any]]:
        said = {"permits": ["train"], "limits": NARROWER, **members}
        return case(f"wider-{name}", "invalid", "exceeds", saying(part(**said)), limited)

    def limits(name: str, **members: Any) -> tuple[str, str, str, dict[str, Any]]:
        changed = {**NARROWER, **members}
        return wider(name, limits={key: value for key, value in changed.items() if value})

    return [
        ("sound", "trusted", "pass", {}),
        ("first-publisher-unknown", "valid", "unknown-issuer", {"trust": SHOP_ALONE}),
        ("first-publisher-of-other-names", "valid", "out-of-scope",
         {"trust": BOTH + 'names = ["datasets/other/*"]\n'}),
        ("credential-removed", "incomplete", "missing-file", {"siblings": {"source-1.json": None}}),
        ("credential-changed", "incomplete", "missing-file",
         {"siblings": {"source-1.json": edited.decode()}}),
        ("genesis-removed", "incomplete", "no-policy",
         {"siblings": {"source-genesis.json": None}}),
        ("manifests-removed", "trusted", "pass", {"siblings": {"source-2.json": None}}),
        case("that-nobody-signed", "invalid", "unsound", train, edited),
        case("by-nobody-of-that-store", "incomplete", "no-policy", train, made.resigned(
            theirs, lambda d: d.update(issuer=made.MALLORY.did), made.MALLORY)),
        case("by-the-one-who-hands-it-on", "invalid", "other-dataset",
             saying(part(permits=["train", "modify"])), shop.posing(theirs)),
        case("of-other-data", "invalid", "other-dataset", train, other),
        ("not-named", "trusted", "stated", {"credential": shop.credential([], train)}),
        case("within", "trusted", "pass", within, limited),
        case("the-same", "trusted", "pass", saying(part(limits=LIMITS)), limited),
        wider("word", permits=["train", "modify"]),
        wider("own-word", permits=["train", "x-print"]),
        wider("to-grant", grantable=["commercialUse"]),
        wider("duty", requires=None),
        limits("territory", territory=["DE", "AT"]),
        limits("territory-without", territory=None),
        limits("seats", seats=6),
        limits("purposes", purposes=["education", "healthcare"]),
        limits("use", useUntil="2027-06-01T00:00:01Z"),
        case("wider-end", "invalid", "exceeds",
             saying(part(permits=["train"]), validUntil="2027-11-01T00:00:01Z")),
        case("wider-without-end", "invalid", "exceeds",
             saying(part(permits=["train"]), validUntil=None)),
        case("narrower-end", "trusted", "pass",
             saying(part(permits=["train"]), validUntil="2027-01-01T00:00:00Z")),
        case("not-to-be-handed-on", "invalid", "exceeds", train,
             first(saying(part(permits=["train"])))),
        case("prohibited-to-hand-on", "invalid", "exceeds", train,
             first(saying(part(permits=["train"], prohibits=["redistribute"])))),
        case("by-grant", "trusted", "pass", _until(train), closed, pins=[grant],
             siblings={"g.json": grant.decode()}),
        case("by-grant-that-is-not-here", "invalid", "exceeds", _until(train), closed,
             pins=[grant]),
        case("by-grant-that-ends-before", "invalid", "exceeds", train, closed, pins=[grant],
             siblings={"g.json": grant.decode()}),
        case("by-grant-to-another", "invalid", "exceeds", _until(train), closed,
             pins=[_grant(closed, made.MALLORY.did)],
             siblings={"g.json": _grant(closed, made.MALLORY.did).decode()}),
        case("by-grant-that-it-does-not-name", "invalid", "exceeds", _until(train), closed,
             siblings={"g.json": grant.decode()}),
        case("in-force", "trusted", "pass", train, listed,
             siblings={"s.json": _list(entry, False)}),
        case("revoked", "invalid", "revoked", train, listed,
             siblings={"s.json": _list(entry, True)}),
        case("list-removed", "incomplete", "no-list", train, listed),
        case("superseded", "valid", "superseded", train,
             siblings={"newer.json": newer.decode()}),
        case("ended", "invalid", "expired", train, at="2027-11-01T00:05:01Z"),
        case("each-part-within", "trusted", "pass", halves(
            part(permits=["train"]), part(permits=["evaluate"])), apart),
        case("parts-exchanged", "invalid", "exceeds", halves(
            part(permits=["evaluate"]), part(permits=["train"])), apart),
        case("parts-together", "invalid", "exceeds", train, apart),
        ("left-out", "valid", "left-out", {
            "credential": shop.credential([], _leaving_out(theirs)),
            "siblings": {"source-1.json": None}}),
        ("left-out-and-here", "trusted", "pass",
         {"credential": shop.credential([], _leaving_out(theirs))}),
        ("left-out-and-wider", "invalid", "exceeds", {"credential": shop.credential(
            [], _leaving_out(theirs, permits=["modify"]))}),
        ("left-out-of-parts", "trusted", "pass", {
            "credential": shop.credential([], _leaving_out(apart, permits=["train"])),
            "siblings": {"source-1.json": apart.decode()}}),
        ("left-out-with-a-grant", "trusted", "pass", {
            "credential": shop.credential([], _until(_leaving_out(closed, grant))),
            "siblings": {"source-1.json": closed.decode(), "g.json": grant.decode()}}),
        ("left-out-without-the-grant", "valid", "left-out", {
            "credential": shop.credential([], _until(_leaving_out(closed, grant))),
            "siblings": {"source-1.json": closed.decode()}}),
        case("by-grant-that-has-no-terms", "incomplete", "missing-file", _until(train), closed,
             pins=[grant], siblings={"g.json": grant.decode(), "source-1.json": None}),
        ("grant-alone", "incomplete", "missing-file", {
            "credential": shop.credential([grant], _until(train)),
            "siblings": {"g.json": grant.decode()}}),
        *_through_ones_own(shop, theirs),
        *_chained(shop, theirs),
        ("too-many", "incomplete", "too-many", {"credential": shop.credential(
            [str(n).encode() for n in range(33)], train)}),
    ]  # fmt: skip


def _chained(shop: "_Shop", theirs: bytes) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Return what the first publisher says to rest on another credential in its turn."""
    rows = []
    founder = _genesis(made.MALLORY, "first.example/archive", made.LOG)
    for name, verdict, reason, words in (
        ("chain", "trusted", "pass", WORDS),
        ("chain-too-wide", "invalid", "exceeds", ["evaluate", "redistribute"]),
        ("chain-broken", "incomplete", "missing-file", None),
    ):
        said = _of(founder.id.urn, saying(part(permits=words or WORDS), issuer=made.MALLORY.did))
        before = made.resigned(theirs, said, made.MALLORY)
        between = made.resigned(theirs, _pinning([before]))
        beside = {"source-1.json": between.decode()}
        beside["first.json"] = founder.encode().decode()
        beside |= {} if words is None else {"source-0.json": before.decode()}
        credential = shop.credential([between], saying(part(permits=["train"])))
        trust = BOTH + f'\n[[issuer]]\ndid = "{made.MALLORY.did}"\nnickname = "M"\n'
        changes = {"credential": credential, "siblings": beside, "trust": trust}
        rows.append((name, verdict, reason, changes))
    return rows


def _through_ones_own(shop: "_Shop", theirs: bytes) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Return what goes through a delivery of one's own, and what was bought is below that."""
    rows = []
    for name, verdict, reason, words in (
        ("through-ones-own", "trusted", "pass", ["train"]),
        ("through-ones-own-too-wide", "invalid", "exceeds", ["train", "modify"]),
    ):
        own = shop.own(theirs)
        changes = {
            "credential": shop.credential([own], saying(part(permits=words))),
            "siblings": {"source-0.json": own.decode()},
        }
        rows.append((name, verdict, reason, changes))
    return rows


def _until(change: Change) -> Change:
    return lambda d: (change(d), d.update(validUntil="2027-10-01T00:00:00Z"))


def _leaving_out(*theirs: bytes, **members: Any) -> Change:
    def change(document: dict[str, Any]) -> None:
        saying(part(**{"permits": ["train"], **members}))(document)
        name = f"{made.OWNER.did} {made.NAME}"
        document["evidence"] = [
            {"id": Digest.of(one).urn, "type": ["Report"], "name": name} for one in theirs
        ]

    return change


def _urn(data: bytes) -> str:
    return Digest.of(data).urn


def _grant(terms: bytes, holder: str) -> bytes:
    document = build_grant(
        CredentialMetadata(
            made.OWNER.did, START, datetime(2027, 10, 1, tzinfo=UTC),
            id="urn:uuid:3f0a1d52-6c86-4f0e-9a44-6a1f2a0f6f1d",
        ),
        Claims.of(parse(terms)["credentialSubject"]),
        terms=reference_to(terms),
        holder=holder,
        permits=["train", "redistribute"],
    )  # fmt: skip
    return issue(document, made.OWNER, made.NOW)


def _list(entry: StatusEntry, raised: bool) -> str:
    bits = bytearray(STATUS_LIST_ENTRIES // 8)
    if raised:
        bits[entry.index // 8] |= 1 << (7 - entry.index % 8)
    month = timedelta(days=30)
    made_at = datetime(2026, 11, 20, tzinfo=UTC)
    return sign_list(URL, "revocation", bytes(bits), made.OWNER, made_at, month).decode()


def _of(store: str, change: Change) -> Change:
    def changed(document: dict[str, Any]) -> None:
        change(document)
        document["credentialSubject"].update(store=store, name="datasets/first/contracts")

    return changed


def _pinning(credentials: list[bytes]) -> Change:
    items = [
        {
            "id": Digest.of(one).urn,
            "mediaType": CREDENTIAL_TYPE,
            "digestMultibase": sha256_multibase(one),
        }
        for one in credentials
    ]
    return lambda document: document["relatedResource"].extend(items)


def _genesis(founder: KeySigner, origin: str, log: KeySigner) -> Manifest:
    policy = Policy.first(founder.did, [VerifierKey(origin, log.public)])
    return sign_manifest(
        kind="genesis",
        store=None,
        name="policies/store/main",
        body=Genesis(origin, "11" * 16, policy).to_json(),
        signer=founder,
        created=made.NOW,
    )


class _Shop:
    """A store that imported the delivery of ``world``, and hands the data on."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self._genesis = _genesis(SHOP, ORIGIN, SHOP_LOG)
        body = {**world.manifest.body, "origin": "imported"}
        carried = (
            ("foreign-credential", world.credential),
            ("foreign-manifest", world.manifest.encode()),
            ("foreign-genesis", world.genesis.encode()),
            ("foreign-log-proof", world.proof.encode()),
            ("licence-text", made.LICENCE),
        )
        self.manifest = sign_manifest(
            kind="dataset",
            store=self._genesis.id,
            name=NAME,
            body=body,
            signer=SHOP,
            created=made.NOW,
            tree=world.tree.id,
            files=world.tree.files_id,
            attachments=[Attachment(role, Digest.of(one), len(one)) for role, one in carried],
        )
        root = order_root(made.DOCUMENTS.records, made.SALTS)
        self._records = sign_manifest(
            kind="records",
            store=self._genesis.id,
            name="records/shop/contracts",
            body={
                "reader": "document/1",
                "roots": [{"type": "order", "root": root.root, "count": root.count}],
            },
            signer=SHOP,
            created=made.NOW,
            inputs=[Input("dataset", "dataset", self.manifest.id)],
            attachments=[Attachment("salts", Digest.of(made.SALTS), len(made.SALTS))],
        )

    def siblings(self, theirs: bytes) -> dict[str, Any]:
        """Return the files beside its credential, with that of the first publisher."""
        ids = (self._genesis.id, self.manifest.id, self._records.id)
        leaves = [Leaf("manifest", one).hash for one in ids]
        head = LogCheckpoint(ORIGIN, len(leaves), merkle.root(leaves))
        proof = TlogProof(1, tuple(merkle.inclusion_proof(leaves, 1)), head.sign(SHOP_LOG))
        return {
            "LICENCE.txt": made.LICENCE.decode(),
            "genesis.json": self._genesis.encode().decode(),
            "log.tlog-proof": proof.encode().decode(),
            "manifest.json": self.manifest.encode().decode(),
            "records.json": self._records.encode().decode(),
            "records.salts": {"hex": made.SALTS.hex()},
            "source-1.json": theirs.decode(),
            "source-2.json": self._world.manifest.encode().decode(),
            "source-genesis.json": self._world.genesis.encode().decode(),
            "tree.jsonl": self._world.tree.encode().decode(),
        }

    def own(self, theirs: bytes) -> bytes:
        """Return a credential of an earlier delivery of its own, which rests on the first's."""

        def change(document: dict[str, Any]) -> None:
            saying(part(permits=WORDS), issuer=SHOP.did)(document)
            document["credentialSubject"].update(store=self._genesis.id.urn)
            _pinning([theirs])(document)

        return made.resigned(theirs, change, SHOP)

    def posing(self, theirs: bytes) -> bytes:
        """Return a credential of its own about the data as its publisher knows it."""

        def change(document: dict[str, Any]) -> None:
            saying(part(permits=[*WORDS, "modify"]), issuer=SHOP.did)(document)
            document["credentialSubject"].update(store=self._genesis.id.urn)

        return made.resigned(theirs, change, SHOP)

    def credential(self, rests_on: list[bytes], change: Change) -> str:
        """Return its credential, which rests on others, with a change."""
        unsigned = build_dataset_credential(
            CredentialMetadata(
                SHOP.did, START, END, id="urn:uuid:3f0a1d52-6c86-4f0e-9a44-6a1f2a0f6f1e"
            ),
            manifest=self.manifest,
            tree=self._world.tree,
            records=self._records,
            log_origin=ORIGIN,
            log_index=1,
            terms=whole(["train"], (), ["attribution"]),
            licence_texts=[("LicenseRef-Acme-1.0", made.LICENCE)],
        )
        _pinning(rests_on)(unsigned)
        change(unsigned)
        return issue(unsigned, SHOP, made.NOW).decode()
