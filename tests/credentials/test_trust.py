"""The trust file: believes exactly what it says, and survives being edited."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    InvalidInputError,
    NotFoundError,
    StorageError,
)
from lyrikstore.credentials.trust import (
    Trust,
    TrustedIssuer,
    TrustedLog,
    add_issuer,
    encode_trust,
    load_trust,
    parse_trust,
    remove_issuer,
)
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.multikey import did_key
from lyrikstore.history.note import VerifierKey

DIDS = [did_key(PrivateKey.from_seed(bytes([i]) * 32).public) for i in range(4)]
STORE = Digest.of(b"store")
NOW = datetime(2026, 11, 24, tzinfo=UTC)

moments = st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
nicknames = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
issuers = st.builds(
    TrustedIssuer,
    did=st.sampled_from(DIDS),
    nickname=nicknames,
    roles=st.lists(
        st.sampled_from(["publisher", "trainer", "reviewer", "auditor"]), min_size=1, unique=True
    ).map(tuple),
    names=st.lists(
        st.sampled_from(["*", "datasets/acme/*", "datasets/acme/contracts"]),
        min_size=1,
        unique=True,
    ).map(tuple),
    stores=st.lists(st.sampled_from([STORE, Digest.of(b"x")]), unique=True).map(tuple),
    since=moments,
)


@given(st.lists(issuers, max_size=4).map(tuple))
def test_round_trip(entries: tuple[TrustedIssuer, ...]) -> None:
    trust = Trust(entries, (TrustedLog("a.example", _vkey("a.example")),))
    assert parse_trust(encode_trust(trust)) == trust


def _vkey(origin: str) -> VerifierKey:
    return VerifierKey(origin, PrivateKey.from_seed(b"\1" * 32).public)


def test_absent_file_believes_nobody(tmp_path: Path) -> None:
    assert load_trust(tmp_path / "trust.toml") == Trust()
    assert parse_trust(b"") == Trust()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version = 2", "version"),
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
        ("= 1", "TOML"),
        ("a = 1\na = 2", "TOML"),
    ],
)
def test_refused(text: str, said: str) -> None:
    text = text.replace("SINCE", "since = '2026-01-02T00:00:00Z'")
    data = text.replace("VKEY", str(_vkey("a.example"))).encode()
    with pytest.raises(FormatError, match=said) as caught:
        parse_trust(data)
    assert caught.value.kind == "bad-trust"
    assert "\n" not in caught.value.message.replace("\\n", "")


def test_weak_keys_are_refused() -> None:
    from lyrikstore.crypto.multikey import encode_base58

    weak = "did:key:z" + encode_base58(b"\xed\x01" + b"\1" + bytes(31))
    with pytest.raises(FormatError):
        parse_trust(f"[[issuer]]\ndid = '{weak}'\nnickname = 'x'".encode())


def test_add_keeps_the_rest_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "trust.toml"
    first = TrustedIssuer(DIDS[0], "Ada", stores=(STORE,))
    assert add_issuer(path, first)
    text = "# my friends\n" + path.read_text() + "\n# and a note\n"
    path.write_text(text)
    second = TrustedIssuer(DIDS[1], 'Bob "the \\ builder"', until=NOW)
    assert add_issuer(path, second)
    assert path.read_text().startswith(text)
    assert load_trust(path).issuers == (first, second)
    assert not add_issuer(path, second)
    assert add_issuer(path, TrustedIssuer(DIDS[0], "Ada", names=("datasets/a/*",)))


def test_a_nickname_means_one_key(tmp_path: Path) -> None:
    path = tmp_path / "trust.toml"
    add_issuer(path, TrustedIssuer(DIDS[0], "Ada"))
    with pytest.raises(ConflictError, match="already names"):
        add_issuer(path, TrustedIssuer(DIDS[1], "Ada"))


@pytest.mark.parametrize(
    "entry",
    [
        TrustedIssuer("did:key:zzz", "Ada"),
        TrustedIssuer(DIDS[0], ""),
        TrustedIssuer(DIDS[0], "Ada", roles=("king",)),
        TrustedIssuer(DIDS[0], "Ada", names=("DATASETS",)),
        TrustedIssuer(DIDS[0], "a\nb"),
    ],
)
def test_add_refuses_nonsense(tmp_path: Path, entry: TrustedIssuer) -> None:
    with pytest.raises(InvalidInputError):
        add_issuer(tmp_path / "trust.toml", entry)
    assert not (tmp_path / "trust.toml").exists()


def test_remove(tmp_path: Path) -> None:
    path = tmp_path / "trust.toml"
    for i in range(3):
        add_issuer(path, TrustedIssuer(DIDS[i], f"friend {i}"))
    path.write_text(path.read_text().replace('did = "' + DIDS[2], '# the third\ndid = "' + DIDS[2]))
    assert [issuer.did for issuer in remove_issuer(path, "friend 1")] == [DIDS[1]]
    assert [issuer.did for issuer in load_trust(path).issuers] == [DIDS[0], DIDS[2]]
    assert "# the third" in path.read_text()
    remove_issuer(path, DIDS[0])
    with pytest.raises(NotFoundError):
        remove_issuer(path, "friend 1")


def test_remove_from_an_unusual_spelling(tmp_path: Path) -> None:
    path = tmp_path / "trust.toml"
    path.write_text(
        "issuer = ["
        + ", ".join(f'{{did = "{DIDS[i]}", nickname = "f{i}"}}' for i in range(2))
        + "]\n"
    )
    remove_issuer(path, "f0")
    assert [issuer.did for issuer in load_trust(path).issuers] == [DIDS[1]]


def test_multiline_strings_cannot_confuse_removal(tmp_path: Path) -> None:
    path = tmp_path / "trust.toml"
    path.write_text(
        f'[[issuer]]\ndid = "{DIDS[0]}"\nnickname = "a"\nnames = [\n"*"\n]\n'
        f'[[issuer]]\ndid = "{DIDS[1]}"\nnickname = "b"\n'
    )
    remove_issuer(path, "b")
    assert load_trust(path).issuers == (TrustedIssuer(DIDS[0], "a"),)


def test_add_to_a_damaged_file_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "trust.toml"
    path.write_text("nonsense")
    with pytest.raises(FormatError):
        add_issuer(path, TrustedIssuer(DIDS[0], "Ada"))
    assert path.read_text() == "nonsense"


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
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


def test_vouching_for_a_store_ignores_names(world: SimpleNamespace) -> None:
    trust = Trust((TrustedIssuer(DIDS[0], "Ada", names=("datasets/acme/*",), stores=(STORE,)),))
    assert trust.vouches_for(DIDS[0], store=STORE, at=NOW) is not None
    assert trust.vouches_for(DIDS[0], store=Digest.of(b"y"), at=NOW) is None
