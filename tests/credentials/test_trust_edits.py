"""The trust file survives being edited: what is added, removed and limited, and the rest."""

from datetime import timedelta
from pathlib import Path

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import ConflictError, FormatError, InvalidInputError, NotFoundError
from lyrikstore.credentials.trust import (
    PinnedDocument,
    Trust,
    TrustedIssuer,
    load_trust,
    parse_trust,
)
from lyrikstore.credentials.trust.edit import (
    add_authority,
    add_document,
    add_issuer,
    add_log,
    add_witness,
    pin_file,
    remove,
    set_limit,
)
from lyrikstore.credentials.trust.explain import explain
from tests.credentials.trusted import (
    DIDS,
    NOW,
    STORE,
    WEB,
    WITNESS,
    document_of,
    verifier_key,
    witness_key,
)
from tests.kinds import refused


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


def test_documents_are_pinned_in_the_file_and_by_path(tmp_path: Path) -> None:
    path = tmp_path / "trust.toml"
    first, second = document_of(DIDS[0]), document_of(DIDS[1])
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
    beside.write_bytes(document_of(DIDS[2]))
    with pytest.raises(FormatError, match="not the one pinned"):
        load_trust(path)
    beside.unlink()
    with pytest.raises(FormatError, match="is not there"):
        load_trust(path)


def test_logs_and_witnesses_are_added_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "trust.toml"
    assert add_log(path, str(verifier_key("a.example")))
    assert not add_log(path, str(verifier_key("a.example")))
    assert add_witness(path, witness_key())
    assert not add_witness(path, witness_key())
    for bad in (str(verifier_key("a.example")), "witness.example+00000000+AAAA", "x", ""):
        with refused("bad-witness"):
            add_witness(path, bad)
    with refused("bad-log"):
        add_log(path, witness_key())
    assert load_trust(path).witnesses == (WITNESS,)
    assert remove(path, "a.example").logs
    assert remove(path, "witness.example").witnesses == (WITNESS,)
    assert load_trust(path) == Trust()


def test_limits_are_set_and_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "trust.toml"
    path.write_text("# mine\nversion = 1\nmaxStatusDays = 3 # days\n\n[allow]\n# these\n")
    add_issuer(path, TrustedIssuer(DIDS[0], "Ada"))
    add_witness(path, witness_key())
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


def test_what_contradicts_the_file_is_refused(tmp_path: Path) -> None:
    path, document = tmp_path / "trust.toml", tmp_path / "did.json"
    add_issuer(path, TrustedIssuer(DIDS[0], "Ada"))
    with refused("nickname-taken"):
        add_issuer(path, TrustedIssuer(DIDS[1], "Ada"))
    with refused("no-issuer"):
        remove(path, "Bob")
    with refused("bad-limit"):
        set_limit(path, "nonsense", ["1"])
    document.write_bytes(document_of(DIDS[0]))
    with refused("other-did"):
        pin_file(path, document, "did:web:other.example")


CERTIFICATE = "-----BEGIN CERTIFICATE-----\n" + "A" * 64 + "\n-----END CERTIFICATE-----\n"


def test_an_authority_is_added_once_and_removed_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "trust.toml"
    assert add_authority(path, "Our TSA", f"Certificate:\n  words\n{CERTIFICATE}".encode())
    assert not add_authority(path, "Our TSA", CERTIFICATE.replace("\n", "\r\n").encode())
    (found,) = load_trust(path).authorities
    assert (found.name, found.certificate) == ("Our TSA", CERTIFICATE)
    assert remove(path, "Our TSA").authorities == (found,)
    assert load_trust(path).authorities == ()


@pytest.mark.parametrize("data", [b"", b"no certificate", CERTIFICATE[:-10].encode(), b"\xff" * 99])
def test_what_is_no_certificate_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "trust.toml"
    with refused("bad-certificate"):
        add_authority(path, "Our TSA", data)
    assert not path.exists()
