"""The trust file: believes exactly what it says."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.credentials.trust import (
    CLAIMS,
    ROLES,
    AllowedKeys,
    PinnedDocument,
    Trust,
    TrustedIssuer,
    TrustedLog,
    encode_trust,
    load_trust,
    parse_trust,
)
from lyrikstore.credentials.trust.explain import explain
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.history.log.note import VerifierKey
from tests.credentials.trusted import DIDS, NOW, STORE, WEB, WITNESS, document_of, verifier_key

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors"
moments = st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
nicknames = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
issuers = st.builds(
    TrustedIssuer,
    did=st.sampled_from([*DIDS, WEB]),
    nickname=nicknames,
    roles=st.lists(st.sampled_from(list(ROLES)), min_size=1, unique=True).map(tuple),
    claims=st.none() | st.lists(st.sampled_from(CLAIMS), unique=True).map(tuple),
    names=st.lists(
        st.sampled_from(["*", "datasets/acme/*", "datasets/acme/contracts"]),
        min_size=1,
        unique=True,
    ).map(tuple),
    stores=st.lists(st.sampled_from([STORE, Digest.of(b"x")]), unique=True).map(tuple),
    since=moments,
)
limits = st.builds(
    AllowedKeys,
    keys=st.none() | st.frozensets(st.sampled_from(DIDS)),
    hashes=st.none() | st.frozensets(st.sampled_from(["blake3", "sha2-256"]), min_size=1),
    cryptosuites=st.none() | st.just(frozenset({"eddsa-jcs-2022"})),
)


@given(
    st.builds(
        Trust,
        issuers=st.lists(issuers, max_size=4, unique_by=lambda one: one.nickname).map(tuple),
        logs=st.sampled_from(
            [
                (),
                (
                    TrustedLog(
                        "a.example",
                        VerifierKey("a.example", PrivateKey.from_seed(b"\1" * 32).public),
                    ),
                ),
            ]
        ),
        max_status_age=st.integers(0, 3660).map(lambda days: timedelta(days=days)),
        max_log_age=st.none() | st.integers(0, 3660).map(lambda days: timedelta(days=days)),
        witnesses=st.just((WITNESS,)),
        witnesses_required=st.integers(0, 1),
        documents=st.sampled_from([(), (PinnedDocument(WEB, document_of(DIDS[0])),)]),
        allowed=limits,
    )
)
def test_round_trip(trust: Trust) -> None:
    assert parse_trust(encode_trust(trust)) == trust
    for line in explain(trust, NOW):
        assert line.isprintable() or "nickname" in line


def test_absent_file_believes_nobody(tmp_path: Path) -> None:
    assert load_trust(tmp_path / "trust.toml") == Trust()
    assert parse_trust(b"") == Trust()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("untill = 1", "untill"),
        ("[[issuer]]\ndid = 'did:key:z6Mk'\nnickname = 'x'", "did:key:z6Mk"),
        (f"[[issuer]]\ndid = '{DIDS[0]}'", "nickname"),
        (f"[[issuer]]\ndid = '{DIDS[0]}'\nnickname = 'x'\nrole = ['publisher']", "role"),
        (f"[[issuer]]\ndid = '{DIDS[0]}'\nnickname = 'x'\nroles = ['king']", "king"),
        (f"[[issuer]]\ndid = '{DIDS[0]}'\nnickname = 'x'\nroles = []", "roles"),
        (f"[[issuer]]\ndid = '{DIDS[0]}'\nnickname = 'x'\nsince = '2026-01-01'", "timestamp"),
        (
            f"[[issuer]]\ndid = '{DIDS[0]}'\nnickname = 'x'\nuntil = '2026-01-01T00:00:00Z'\nSINCE",
            "before",
        ),
        (f"[[issuer]]\ndid = '{DIDS[0]}'\nnickname = \"x\\n\"", "nickname"),
        ("[[log]]\norigin = 'b.example'\nkey = 'VKEY'", "b.example"),
        ("[[log]]\norigin = 'a.example'\nkey = 'nonsense'", "key"),
        (
            "".join(f"[[issuer]]\ndid = '{did}'\nnickname = 'x'\n" for did in DIDS[:2]),
            f"'x' names both {DIDS[0]} and {DIDS[1]}",
        ),
        ("= 1", "TOML"),
        ("a = 1\na = 2", "TOML"),
    ],
)
def test_refused(text: str, said: str) -> None:
    text = text.replace("SINCE", "since = '2026-01-02T00:00:00Z'")
    data = f"version = 1\n{text}".replace("VKEY", str(verifier_key("a.example"))).encode()
    with pytest.raises(FormatError, match=said) as caught:
        parse_trust(data)
    assert caught.value.kind == "bad-trust"
    assert "\n" not in caught.value.message.replace("\\n", "")


@pytest.mark.parametrize("text", ["version = 2", "maxStatusDays = 7", "version = '1'"])
def test_the_version_is_stated(text: str) -> None:
    with pytest.raises(FormatError, match="version"):
        parse_trust(text.encode())


def test_weak_keys_are_refused() -> None:
    from lyrikstore.crypto.multikey import encode_base58

    weak = "did:key:z" + encode_base58(b"\xed\x01" + b"\1" + bytes(31))
    with pytest.raises(FormatError):
        parse_trust(f"version = 1\n[[issuer]]\ndid = '{weak}'\nnickname = 'x'".encode())


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="cannot read"):
        load_trust(tmp_path)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({}, True),
        ({"names": ("datasets/acme/*",)}, True),
        ({"names": ("datasets/acme/contracts",)}, True),
        ({"names": ("datasets/ac",)}, False),
        ({"names": ("*.contracts",)}, False),
        ({"roles": ("trainer",)}, False),
        ({"stores": (STORE,)}, True),
        ({"stores": (Digest.of(b"y"),)}, False),
        ({"since": NOW}, True),
        ({"since": datetime(2026, 11, 25, tzinfo=UTC)}, False),
        ({"until": NOW}, True),
        ({"until": datetime(2026, 11, 23, tzinfo=UTC)}, False),
    ],
)
def test_matches(entry: dict[str, Any], expected: bool) -> None:
    trust = Trust((TrustedIssuer(DIDS[0], "Ada", **entry),))
    context = {"role": "publisher", "name": "datasets/acme/contracts", "store": STORE, "at": NOW}
    assert (trust.matches(DIDS[0], **context) is not None) == expected
    assert trust.matches(DIDS[1], **context) is None
    assert trust.knows(DIDS[0]) is not None


def test_vouching_for_a_store_ignores_names() -> None:
    trust = Trust((TrustedIssuer(DIDS[0], "Ada", names=("datasets/acme/*",), stores=(STORE,)),))
    assert trust.vouches_for(DIDS[0], store=STORE, at=NOW) is not None
    assert trust.vouches_for(DIDS[0], store=Digest.of(b"y"), at=NOW) is None


def test_claims_are_those_of_the_roles_or_those_named() -> None:
    about = {"name": "datasets/acme/contracts", "store": None, "at": NOW}
    for role, claims in ROLES.items():
        trust = Trust((TrustedIssuer(DIDS[0], "Ada", roles=(role,)),))
        for claim in CLAIMS:
            believed = trust.believes(DIDS[0], claim=claim, **about)
            assert (believed is not None) == (claim in claims), (role, claim)
    named = Trust((TrustedIssuer(DIDS[0], "Ada", roles=("auditor",), claims=("legal",)),))
    assert named.believes(DIDS[0], claim="legal", **about)
    assert not named.believes(DIDS[0], claim="quality", **about)
    assert not named.matches(DIDS[0], role="publisher", **about)
    none = Trust((TrustedIssuer(DIDS[0], "Ada", roles=("auditor",), claims=()),))
    assert not any(none.believes(DIDS[0], claim=claim, **about) for claim in CLAIMS)


def test_it_is_explained_in_plain_words() -> None:
    trust = Trust(
        (
            TrustedIssuer(
                DIDS[0], "Ada", names=("datasets/acme/*",), until=datetime(2026, 1, 1, tzinfo=UTC)
            ),
            TrustedIssuer(WEB, "Acme", roles=("auditor", "lawyer"), stores=(STORE,)),
        ),
        allowed=AllowedKeys(
            frozenset({DIDS[0]}), frozenset({"blake3"}), frozenset({"eddsa-jcs-2022"})
        ),
    )
    text = "\n".join(explain(trust, NOW))
    for words in (
        "'Ada' (", "for names like datasets/acme/*", "(no longer)", "attests to quality",
        "the law and licences", "from 1 named store(s) only", "! Nothing says which keys " + WEB,
        "one of 1 named key signed", "hash functions count: blake3", "older than 30 days",
    ):  # fmt: skip
        assert words in text, (words, text)
    assert explain(Trust(), NOW)[0].startswith("It believes nobody")


def cases() -> list[Any]:
    return json.loads((VECTORS / "trust/files.json").read_text("ascii"))["cases"]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["id"])
def test_vectors(case: dict[str, Any]) -> None:
    files = {name: data.encode() for name, data in case.get("files", {}).items()}
    data = case["trust"].encode()
    if "error" in case:
        with pytest.raises(FormatError) as caught:
            parse_trust(data, lambda path: files.get(path, b""))
        assert caught.value.kind == case["error"]
        return
    trust = parse_trust(data, lambda path: files.get(path, b""))
    for question in case["asked"]:
        context = {
            "name": question["name"],
            "store": Digest.parse(question["store"]) if "store" in question else None,
            "at": datetime.fromisoformat(question["at"]),
        }
        found = (
            trust.matches(question["did"], role=question["role"], **context)
            if "role" in question
            else trust.believes(question["did"], claim=question["claim"], **context)
        )
        assert (found and found.nickname) == question["believed"], question
