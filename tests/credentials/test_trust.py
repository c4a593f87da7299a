"""The trust file: believes exactly what it says, and survives being edited."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
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
)
from lyrikstore.credentials.did.document import build_document
from lyrikstore.credentials.trust import (
    CLAIMS,
    ROLES,
    AllowedKeys,
    PinnedDocument,
    Trust,
    TrustedIssuer,
    TrustedLog,
    TrustedWitness,
    encode_trust,
    load_trust,
    parse_trust,
)
from lyrikstore.credentials.trust.edit import (
    add_document,
    add_issuer,
    add_log,
    add_witness,
    remove,
    set_limit,
)
from lyrikstore.credentials.trust.explain import explain
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.multikey import did_key
from lyrikstore.history.log.note import VerifierKey

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors"
DIDS = [did_key(PrivateKey.from_seed(bytes([i]) * 32).public) for i in range(4)]
WEB = "did:web:acme.example"
STORE = Digest.of(b"store")
NOW = datetime(2026, 11, 24, tzinfo=UTC)

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


def _document(*keys: str) -> bytes:
    multikeys = [did.removeprefix("did:key:") for did in keys]
    return json.dumps(build_document(WEB, {key: key for key in multikeys})).encode()


def _witness_key(name: str = "witness.example") -> str:
    raw = b"\x04" + PrivateKey.from_seed(b"\2" * 32).public.raw
    identity = hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8]
    return f"{name}+{identity}+{base64.b64encode(raw).decode()}"


WITNESS = TrustedWitness("witness.example", _witness_key())
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
        documents=st.sampled_from([(), (PinnedDocument(WEB, _document(DIDS[0])),)]),
        allowed=limits,
    )
)
def test_round_trip(trust: Trust) -> None:
    assert parse_trust(encode_trust(trust)) == trust
    for line in explain(trust, NOW):
        assert line.isprintable() or "nickname" in line


def _vkey(origin: str) -> VerifierKey:
    return VerifierKey(origin, PrivateKey.from_seed(b"\1" * 32).public)


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
    data = f"version = 1\n{text}".replace("VKEY", str(_vkey("a.example"))).encode()
    with pytest.raises(FormatError, match=said) as caught:
        parse_trust(data)
    assert caught.value.kind == "bad-trust"
    assert "\n" not in caught.value.message.replace("\\n", "")


@pytest.mark.parametrize("text", ["version = 2", "maxStatusDays = 7", "version = '1'"])
def test_the_version_is_stated(text: str) -> None:
    with pytest.raises(FormatError, match="version"):
        parse_trust(text.encode())


def test_what_states_nothing_can_be_added_to(tmp_path: Path) -> None:
    path = tmp_path / "trust.toml"
    for text in ("", "\n", "# mine", "# mine\n"):
        path.write_text(text)
        assert load_trust(path) == Trust()
        add_issuer(path, TrustedIssuer(DIDS[0], "Ada"))
        path.write_text(text)
        set_limit(path, "maxStatusDays", ["7"])
        assert path.read_text().startswith(text)
        assert load_trust(path) == Trust(max_status_age=timedelta(days=7))


def test_weak_keys_are_refused() -> None:
    from lyrikstore.crypto.multikey import encode_base58

    weak = "did:key:z" + encode_base58(b"\xed\x01" + b"\1" + bytes(31))
    with pytest.raises(FormatError):
        parse_trust(f"version = 1\n[[issuer]]\ndid = '{weak}'\nnickname = 'x'".encode())


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
    assert [issuer.did for issuer in remove(path, "friend 1").issuers] == [DIDS[1]]
    assert [issuer.did for issuer in load_trust(path).issuers] == [DIDS[0], DIDS[2]]
    assert "# the third" in path.read_text()
    remove(path, DIDS[0])
    with pytest.raises(NotFoundError):
        remove(path, "friend 1")


def test_remove_from_an_unusual_spelling(tmp_path: Path) -> None:
    path = tmp_path / "trust.toml"
    path.write_text(
        "version = 1\nissuer = ["
        + ", ".join(f'{{did = "{DIDS[i]}", nickname = "f{i}"}}' for i in range(2))
        + "]\n"
    )
    remove(path, "f0")
    assert [issuer.did for issuer in load_trust(path).issuers] == [DIDS[1]]


def test_multiline_strings_cannot_confuse_removal(tmp_path: Path) -> None:
    path = tmp_path / "trust.toml"
    path.write_text(
        f'version = 1\n[[issuer]]\ndid = "{DIDS[0]}"\nnickname = "a"\nnames = [\n"*"\n]\n'
        f'[[issuer]]\ndid = "{DIDS[1]}"\nnickname = "b"\n'
    )
    remove(path, "b")
    assert load_trust(path).issuers == (TrustedIssuer(DIDS[0], "a"),)


def test_add_to_a_damaged_file_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "trust.toml"
    path.write_text("nonsense")
    with pytest.raises(FormatError):
        add_issuer(path, TrustedIssuer(DIDS[0], "Ada"))
    assert path.read_text() == "nonsense"


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


def test_documents_are_pinned_in_the_file_and_by_path(tmp_path: Path) -> None:
    path = tmp_path / "trust.toml"
    first, second = _document(DIDS[0]), _document(DIDS[1])
    assert add_document(path, first) == PinnedDocument(WEB, first)
    assert add_document(path, first) is None
    beside = tmp_path / "acme.json"
    beside.write_bytes(second)
    path.write_text(
        path.read_text() + f'\n# by path\n[[document]]\ndid = "{WEB}"\npath = "acme.json"\n'
        f'digest = "{Digest.of(second)}"\n'
    )
    trust = load_trust(path)
    assert [pinned.data for pinned in trust.documents] == [first, second]
    assert len(trust.known_documents()) == 2
    with pytest.raises(FormatError, match="not at hand"):
        parse_trust(path.read_bytes())
    # Other edits keep what is pinned by path.
    add_issuer(path, TrustedIssuer(WEB, "Acme"))
    assert "# by path" in path.read_text()
    assert remove(path, str(Digest.of(first))).documents == (PinnedDocument(WEB, first),)
    assert [pinned.data for pinned in load_trust(path).documents] == [second]
    # ATTACK: the file beside it is changed.
    beside.write_bytes(_document(DIDS[2]))
    with pytest.raises(FormatError, match="not the one pinned"):
        load_trust(path)
    beside.unlink()
    with pytest.raises(FormatError, match="is not there"):
        load_trust(path)


def test_logs_and_witnesses_are_added_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "trust.toml"
    assert add_log(path, str(_vkey("a.example")))
    assert not add_log(path, str(_vkey("a.example")))
    assert add_witness(path, _witness_key())
    assert not add_witness(path, _witness_key())
    for bad in (str(_vkey("a.example")), "witness.example+00000000+AAAA", "x", ""):
        with pytest.raises(InvalidInputError):
            add_witness(path, bad)
    with pytest.raises(InvalidInputError):
        add_log(path, _witness_key())
    assert load_trust(path).witnesses == (WITNESS,)
    assert remove(path, "a.example").logs
    assert remove(path, "witness.example").witnesses == (WITNESS,)
    assert load_trust(path) == Trust()


def test_limits_are_set_and_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "trust.toml"
    path.write_text("# mine\nversion = 1\nmaxStatusDays = 3 # days\n\n[allow]\n# these\n")
    add_issuer(path, TrustedIssuer(DIDS[0], "Ada"))
    add_witness(path, _witness_key())
    assert set_limit(path, "maxStatusDays", ["14"]).max_status_age == timedelta(days=14)
    assert set_limit(path, "maxLogDays", ["7"]).max_log_age == timedelta(days=7)
    assert set_limit(path, "witnessesRequired", ["1"]).witnesses_required == 1
    assert set_limit(path, "allow.keys", [DIDS[0]]).allowed.keys == {DIDS[0]}
    trust = set_limit(path, "allow.hashes", ["blake3", "sha2-256"])
    assert trust == load_trust(path)
    assert path.read_text().startswith("# mine\n")
    assert "# these" in path.read_text()
    assert any(line.startswith("! This version cannot check") for line in explain(trust, NOW))
    for name in ("maxLogDays", "witnessesRequired", "allow.keys", "allow.hashes"):
        set_limit(path, name, [])
    assert set_limit(path, "maxStatusDays", []) == Trust(
        (TrustedIssuer(DIDS[0], "Ada"),), witnesses=(WITNESS,)
    )
    for name, values in (
        ("maxStatusDays", ["x"]), ("maxStatusDays", ["1", "2"]), ("maxStatusDays", ["9" * 30]),
        ("maxStatusDays", ["-1"]), ("nonsense", ["1"]), ("allow.nonsense", ["1"]),
        ("witnessesRequired", ["2"]), ("allow.keys", ["x"]), ("allow.hashes", ["md5"]),
    ):  # fmt: skip
        with pytest.raises(InvalidInputError):
            set_limit(path, name, values)


def test_a_limit_is_set_in_a_file_of_unusual_spelling(tmp_path: Path) -> None:
    path = tmp_path / "trust.toml"
    path.write_text(f"version = 1\n\"maxStatusDays\" = 3\nallow = {{keys = ['{DIDS[0]}']}}\n")
    assert set_limit(path, "maxStatusDays", ["4"]).max_status_age == timedelta(days=4)
    assert set_limit(path, "allow.keys", [DIDS[1]]).allowed.keys == {DIDS[1]}
    assert load_trust(path).max_status_age == timedelta(days=4)


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
