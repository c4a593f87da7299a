"""Parsing of credentials (spec §10.2-10.4, §20.2-20.3), before verification.

JCS signs any JSON, so nothing here is left to a JSON-LD processor: the schema is closed, contexts
are exactly the two bundled ones, and members that state the same fact must agree.
"""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from hashlib import sha256, sha384
from typing import TYPE_CHECKING, Any, NoReturn, Self
from uuid import uuid4

from msgspec import Struct, field

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.files import PACKAGE, data_folder, read_packaged
from lyrikstore.canon.json import JSON
from lyrikstore.canon.schemas import check_schema
from lyrikstore.canon.timestamps import format_timestamp, parse_timestamp
from lyrikstore.credentials.terms.claim import check_licence_claim
from lyrikstore.credentials.terms.model import Terms

if TYPE_CHECKING:
    from lyrikstore.credentials.model.status_entry import StatusEntry

VC_CONTEXT = "https://www.w3.org/ns/credentials/v2"
DATASET_CONTEXT = "https://w3id.org/lyrikstore/v1"
CARD_CONTEXT = "https://w3id.org/lyrikstore/v2"
CONTEXTS = [VC_CONTEXT, DATASET_CONTEXT]
CONTEXT_SHA256: Mapping[str, str] = {
    # The W3C file as published; a credential names it, nothing here ever reads it.
    VC_CONTEXT: "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734",
    CARD_CONTEXT: "3a9e6bced8c929fdd0585bd97b92bd6535ec266c7a8cd01338c0f7bfbaa675ae",
    DATASET_CONTEXT: "f16e4638ee32e5d48b92784607d9e12cd7dd96be0256460c30ece73897a13185",
}
"""Context of lyrik credentials → SHA-256 of its bytes. Published bytes never change."""

TREE_PROFILE = "lyrikstore-tree-1"


class Claims(Struct, frozen=True):
    """The claims of a well-formed dataset credential, as values.

    Attributes:
        tree: Content identity, with metadata.
        store: Id of the store that logged the dataset.
        terms: The terms: permissions, prohibitions and duties.
        subject: The whole ``credentialSubject``; treat it as read-only.
    """

    tree: Digest
    store: Digest
    terms: Terms
    subject: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The manifest's name."""
        return str(self.subject["name"])

    @property
    def files(self) -> Digest:
        """Identity of the files alone."""
        return Digest.parse_urn(self.subject["files"])

    @property
    def manifest(self) -> Digest:
        """Id of the dataset manifest."""
        return Digest.parse_urn(self.subject["manifest"])

    @property
    def log_origin(self) -> str:
        """Name of the log."""
        return str(self.subject["log"]["origin"])

    @property
    def log_index(self) -> int:
        """Log index of the manifest."""
        return int(self.subject["log"]["index"])

    @property
    def records(self) -> tuple[Digest, str, int] | None:
        """``(records manifest, order root as hex, count)``, or None."""
        found = self.subject.get("recordsRoot")
        if found is None:
            return None
        return Digest.parse_urn(found["manifest"]), found["hashValue"], int(found["count"])

    def reference(self) -> dict[str, JSON]:
        """Return the reference to this dataset for other credentials (spec §20.2, §20.4)."""
        return {
            "id": self.tree.urn,
            "type": "Dataset",
            "files": self.files.urn,
            "manifest": self.manifest.urn,
            "store": self.store.urn,
            "name": self.name,
        }

    @classmethod
    def of(cls, subject: Mapping[str, Any]) -> Self:
        """Return the claims in the subject of a dataset credential that satisfies its schema.

        Raises:
            FormatError: (``bad-credential``, ``bad-timestamp``, ``bad-digest``) members contradict
            each other, or are invalid in a way that the schema does not detect.
        """
        tree = Digest.parse_urn(subject["id"])
        content = subject["contentRoot"]
        # Two spellings of one root that differ are a lie by construction: software that reads one
        # would accept what software that reads the other refuses.
        if content["hashValue"] != tree.hex or content["digestMultibase"] != tree.multibase:
            _refuse("credentialSubject.id and contentRoot name different content")
        terms = check_licence_claim(subject)
        _check_statements(subject)
        named = {item["field"] for item in subject["descriptor"]}
        if len(named) != len(subject["descriptor"]):
            _refuse("a descriptor field occurs twice")
        return cls(tree, Digest.parse_urn(subject["store"]), terms, subject)


class CredentialKind(Struct, frozen=True):
    """One kind of credential of profile ``lyrik``.

    Attributes:
        type: Its ``type`` besides ``VerifiableCredential``.
        schema: Name of its schema.
        schema_sri: ``digestSRI`` of the schema's published bytes, which never change.
        read_subject: Function that refuses invalid subjects that the schema accepts, and returns
        the claims of a dataset credential.
        context: The second of its contexts.
        earlier: ``digestSRI`` of earlier texts of the schema: whatever satisfies one of them
        satisfies the current one.
    """

    type: str
    schema: str
    schema_sri: str
    read_subject: Callable[[dict[str, Any]], Claims | None] | None = None
    context: str = DATASET_CONTEXT
    earlier: tuple[str, ...] = ()

    @property
    def contexts(self) -> list[JSON]:
        """Its ``@context``."""
        return [VC_CONTEXT, self.context]

    @property
    def schema_id(self) -> str:
        """The URL of the schema."""
        return f"https://w3id.org/lyrikstore/schemas/{self.schema}.json"

    @property
    def words(self) -> str:
        """Its name in reports."""
        return self.schema[:-2].replace("-", " ")


class CredentialMetadata(Struct, frozen=True):
    """The members of every credential besides its claims: issuer and validity (spec §10.3).

    Attributes:
        issuer: DID of the signing key.
        valid_from: First moment of validity.
        valid_until: Last moment, or None for no end; a grant needs an end.
        issuer_name: The issuer's name for itself; claimed, never trusted.
        status: The places of its bits in the issuer's status lists; empty: outsiders cannot see
        a revocation.
        supersedes: Reference to the credential of the same issuer and kind that it replaces, from
        :func:`lyrikstore.credentials.issue.reference_to`, or None.
        id: ``urn:uuid:`` v4; a new one by default.
    """

    issuer: str
    valid_from: datetime
    valid_until: datetime | None = None
    issuer_name: str | None = None
    status: "Sequence[StatusEntry]" = ()
    supersedes: Mapping[str, JSON] | None = None
    id: str = field(default_factory=lambda: f"urn:uuid:{uuid4()}")

    def members(self, kind: CredentialKind) -> dict[str, JSON]:
        """Return these members in the form of a credential of ``kind``."""
        name: dict[str, JSON] = {"name": self.issuer_name} if self.issuer_name else {}
        members: dict[str, JSON] = {
            "@context": kind.contexts,
            "id": self.id,
            "type": ["VerifiableCredential", kind.type],
            "issuer": {"id": self.issuer, **name},
            "credentialSchema": {
                "id": kind.schema_id,
                "type": "JsonSchema",
                "digestSRI": kind.schema_sri,
            },
            "validFrom": format_timestamp(self.valid_from),
        }
        if self.valid_until is not None:
            members["validUntil"] = format_timestamp(self.valid_until)
        if self.supersedes is not None:
            members["supersedes"] = dict(self.supersedes)
        if self.status:
            members["credentialStatus"] = [entry.to_json() for entry in self.status]
        return members


def check_credential_shape(document: JSON, kind: CredentialKind) -> Claims | None:
    """Raise unless ``document`` is a lyrik credential of ``kind``; its truth is not checked.

    The claims of a dataset credential are returned, None for other kinds.

    Args:
        document: Parsed JSON, with or without ``proof``.
        kind: The required kind.

    Raises:
        FormatError: (``wrong-kind``, ``schema``, ``bad-credential``, ``bad-timestamp``,
            ``bad-digest``) it is not such a credential; the message names the place.
    """
    other = kind_of(document)
    if other is not None and other is not kind:
        raise FormatError("wrong-kind", f"{other.words}, where {kind.words} is needed")
    check_schema(document, kind.schema)
    _check_open_members(document)
    valid_from = parse_timestamp(document["validFrom"])
    if "validUntil" in document and parse_timestamp(document["validUntil"]) < valid_from:
        _refuse("validUntil is before validFrom")
    if "proof" in document:
        parse_timestamp(document["proof"]["created"])
    if document["credentialSchema"]["digestSRI"] not in (kind.schema_sri, *kind.earlier):
        _refuse("credentialSchema pins another text than the published one")
    if "supersedes" in document and document["supersedes"]["id"] == document["id"]:
        _refuse("it supersedes itself")
    read = kind.read_subject
    claims = None if read is None else read(document["credentialSubject"])
    _check_related(document.get("relatedResource", []))
    return claims


def kind_of(document: JSON) -> CredentialKind | None:
    """Return the stated kind of a lyrik credential, unverified; None if it is not one."""
    stated = document.get("type") if isinstance(document, dict) else None
    if not isinstance(stated, list):
        return None
    found = [kind for kind in KINDS if kind.type in stated]
    by_context = (kind for kind in found if document.get("@context") == kind.contexts)
    return next(by_context, next(iter(found), None))


def is_ours(document: Mapping[str, JSON]) -> bool:
    """Return whether a document has the contexts and type of profile ``lyrik``, unverified."""
    kind = kind_of(dict(document))
    return kind is not None and document.get("@context") == kind.contexts


@cache
def context_bytes(url: str = DATASET_CONTEXT) -> bytes:
    """Return the exact bytes of the bundled context at one of our URLs."""
    return read_packaged(PACKAGE / "credentials" / "contexts" / f"{url[-2:]}.jsonld")


@cache
def context_sri() -> str:
    """Return ``digestSRI`` of the bundled context of datasets."""
    return sri(context_bytes())


@cache
def schema_bytes(kind: CredentialKind) -> bytes:
    """Return the published bytes of the schema of ``kind``."""
    return read_packaged(data_folder("schemas") / f"{kind.schema}.schema.json")


def sri(data: bytes) -> str:
    """Return the ``digestSRI`` of bytes: ``sha384-…``."""
    return "sha384-" + b64encode(sha384(data).digest()).decode()


def sha256_multibase(data: bytes) -> str:
    """Return the base64url multibase SHA-256 multihash of ``data``, for ``relatedResource``."""
    return "u" + urlsafe_b64encode(b"\x12\x20" + sha256(data).digest()).decode().rstrip("=")


def is_pinned(item: Mapping[str, Any], data: bytes) -> bool:
    """Return whether ``data`` has each SHA-2 digest that ``item`` states.

    Args:
        item: An item of ``relatedResource`` or ``evidence``.
        data: The file.
    """
    spelt = {"digestMultibase": sha256_multibase, "digestSRI": sri}
    return all(name not in item or item[name] == spell(data) for name, spell in spelt.items())


def issuer_of(document: Mapping[str, JSON]) -> str | None:
    """Return the stated issuer's id, unverified, or None if there is none."""
    issuer = document.get("issuer")
    if isinstance(issuer, dict):
        issuer = issuer.get("id")
    return issuer if isinstance(issuer, str) else None


def _check_grant(subject: dict[str, Any]) -> None:
    limits = subject["grant"].get("limits", {})
    moments = [parse_timestamp(limits[end]) for end in ("useFrom", "useUntil") if end in limits]
    if moments != sorted(moments):
        _refuse("useUntil is before useFrom")


def _check_opinion(subject: dict[str, Any]) -> None:
    period = subject["attestation"].get("period", {})
    first, last = _day(period.get("from")), _day(period.get("until"))
    if first is not None and last is not None and last < first:
        _refuse("the period of an opinion ends before it begins")
    # ATTACK: an opinion on one object that names another by a second member.
    same = {"Card": "manifest", "Store": "store"}.get(subject["type"])
    if same is not None and subject["id"] != subject[same]:
        _refuse("its subject has two ids")


def _check_statements(subject: Mapping[str, Any]) -> None:
    age = subject.get("age", {})
    first, last = _day(age.get("collectedFrom")), _day(age.get("collectedUntil"))
    if first is not None and last is not None and last < first:
        _refuse("collected until before it was collected from")
    if "snapshotAt" in age:
        parse_timestamp(age["snapshotAt"])
    for claim in subject.get("quality", []):
        # Attack: a claim called by one name, recomputed as equal by the recipe of another.
        if "recipe" in claim and claim["metric"] != claim["recipe"]["use"].partition("/")[0]:
            _refuse("a measured claim has another name than its recipe")
    for statement in subject.get("regulatory", []):
        _day(statement["asOf"])


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        _refuse("a day that no calendar has")


def _check_related(resources: list[dict[str, Any]]) -> None:
    ids = [resource["id"] for resource in resources]
    if len(set(ids)) != len(ids):
        _refuse("a relatedResource occurs twice")
    for resource in resources:
        if resource["id"] == DATASET_CONTEXT and resource.get("digestSRI", "") != context_sri():
            _refuse("relatedResource pins another text of the context than the published one")


def _check_open_members(document: Mapping[str, Any]) -> None:
    # Names that JSON-LD software would read as keywords, or that look alike, in the two places
    # that the closed schemas leave open: JCS signs them unseen, an RDF reader acts on them.
    stated = document["credentialSubject"].get("descriptor", ())
    pending = [document.get("credentialStatus"), *[item.get("value") for item in stated]]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            names = "".join(value)
            if not names.isascii():
                _refuse(f"a member name of {names[:80]!a} is not ASCII")
            for name in value:
                if name[:1] == "@":
                    _refuse(f"member {name[:80]!r} below the top level")
            value = value.values()
        elif not isinstance(value, list):
            continue
        pending += value


def _refuse(reason: str) -> NoReturn:
    raise FormatError("bad-credential", f"the credential is malformed: {reason}")


DATASET = CredentialKind(
    "DatasetCredential",
    "dataset-credential-1",
    "sha384-1BknGIDqOlhpsBXW2ES3Q6xy/WO/Lk06KRAlqZeZ9e/UG9/AqLcXnQ+XW86cX+jT",
    Claims.of,
)
ATTESTATION = CredentialKind(
    "AttestationCredential",
    "attestation-credential-1",
    "sha384-c/KlEzZPq1sVVgc+YbHWgCZNRbKq10PW+ISHsDT7qOTiu5PUOGiLunYiu27d/ZQj",
)
GRANT = CredentialKind(
    "GrantCredential",
    "grant-credential-1",
    "sha384-qsSnLgJxjymOqHheVltXsFFuZhO/Wwvoz7o9W0CwHGMAzsr183ALMMyGXbAQKESO",
    _check_grant,
)
CARD_ATTESTATION = CredentialKind(
    "AttestationCredential",
    "attestation-credential-2",
    "sha384-pQbs8wZsAMEztKfN5RJGzdhn+GgNFIoYm0EFA7oWx7QqjGxiyjUjrxxfmvHyNnya",
    _check_opinion,
    CARD_CONTEXT,
    # Before opinions, it had answers and challenges only.
    ("sha384-fx+2ncNVUi9kPWld+SVNjK0TeePxTsXfg6pGPfDoA5C2bxp5BZaE5Q5BIf1W2ZQp",),
)
"""Answers to a card, a challenge to one, or an opinion on a model, a card or a store."""
KINDS = (DATASET, ATTESTATION, GRANT, CARD_ATTESTATION)
"""The kinds of profile ``lyrik``; status lists are a kind of the W3C standard."""
