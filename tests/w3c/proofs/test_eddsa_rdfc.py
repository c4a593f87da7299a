"""eddsa-rdfc-2022: the W3C's vectors byte for byte, and the documents that RDF does not protect."""

import builtins
import copy
import json
import sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import IncompleteError, LyrikstoreError, VerificationError
from lyrikstore.canon.json import encode, parse
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.crypto.multikey import decode_base58, parse_multikey
from lyrikstore.crypto.proofs.eddsa_jcs import signed_bytes
from lyrikstore.testing.keys import signer_for
from lyrikstore.w3c.contexts import (
    CONTEXTS,
    context_bytes,
    context_document,
)
from lyrikstore.w3c.proofs import eddsa_rdfc
from lyrikstore.w3c.proofs.proof_set import add_proof, verify_proofs

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors"
CASES = json.loads((VECTORS / "rdf-proofs/rdfc.json").read_text("ascii"))["cases"]
_W3C = json.loads((VECTORS / "w3c-eddsa/cases.json").read_text("ascii"))
W3C, SECRET_KEYS = _W3C["cases"], _W3C["secretKeyMultibase"]
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
V2 = "https://www.w3.org/ns/credentials/v2"
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"


def by_fragment(method, purpose):
    return parse_multikey(method.partition("#")[2])


def named(case):
    return case["id"]


@pytest.mark.parametrize("case", W3C, ids=named)
def test_the_vectors_of_the_w3c(case):
    verified = verify_proofs(case["document"], at=NOW, resolve=by_fragment)
    listed = case["document"]["proof"]
    assert len(verified.proofs) == (len(listed) if isinstance(listed, list) else 1)
    if "hash" not in case:
        return
    options = dict(verified.proofs[0].options)
    canonical = encode
    if case["id"] == "rdfc":
        canonical = eddsa_rdfc.canonical
        options["@context"] = verified.document["@context"]
        assert canonical(options).decode() == case["canonicalProof"]
    assert signed_bytes(verified.document, options, canonical).hex() == case["hash"]
    if "signature" in case:
        assert decode_base58(listed["proofValue"][1:]).hex() == case["signature"]


def test_with_their_keys_we_make_the_chain_of_the_w3c_byte_for_byte():
    (case,) = [case for case in W3C if case["id"] == "proof-chain-2"]
    made = {name: value for name, value in case["document"].items() if name != "proof"}
    for proof in case["document"]["proof"]:
        multikey = proof["verificationMethod"].partition("#")[2]
        secret = decode_base58(SECRET_KEYS[multikey][1:])
        assert secret[:2] == bytes.fromhex("8026")
        made = add_proof(
            made,
            KeySigner(PrivateKey.from_seed(secret[2:])),
            suite=proof["cryptosuite"],
            created=parse_timestamp(proof["created"]),
            proof_id=proof.get("id"),
            previous=proof.get("previousProof"),
        )
    assert made == case["document"]


@pytest.mark.parametrize("case", [c for c in W3C if "chain" in c["id"]], ids=named)
def test_a_chain_of_the_w3c_breaks_anywhere(case):
    for number in range(len(case["document"]["proof"])):
        for change in ("created", "removed"):
            document = copy.deepcopy(case["document"])
            if change == "removed":
                if number == len(document["proof"]) - 1:
                    continue  # the last link vouches for the others, nobody for it
                del document["proof"][number]
            else:
                document["proof"][number]["created"] = "2023-01-01T00:00:00Z"
            with pytest.raises(VerificationError):
                verify_proofs(document, at=NOW, resolve=by_fragment)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_cases(case):  # some would cost exponential work, and never end, were they not refused
    before = copy.deepcopy(case["document"])
    try:
        verify_proofs(case["document"], at=parse_timestamp(case["at"]))
        outcome = "verifies"
    except LyrikstoreError as error:
        outcome = error.kind
    assert outcome == case["outcome"]
    assert case["document"] == before


def plain_canonical(document):
    """Return what software without our checks hashes."""
    from pyld import jsonld

    def load(url, options):
        return {
            "contentType": None, "contextUrl": None, "documentUrl": url,
            "document": context_document(url),
        }  # fmt: skip

    unsecured = {name: value for name, value in document.items() if name != "proof"}
    return jsonld.normalize(
        unsecured,
        {
            "algorithm": "URDNA2015",
            "format": "application/n-quads",
            "base": None,
            "rdfDirection": "i18n-datatype",
            "documentLoader": load,
        },
    )


@pytest.mark.parametrize("case", [c for c in CASES if "graph" in c], ids=named)
def test_these_attacks_are_real(case):
    """Without our checks the signature of each of them verifies."""
    (signed,) = [c for c in CASES if c["id"] == case["graph"]]
    assert plain_canonical(case["document"]) == plain_canonical(signed["document"])


PUBLISHED = {
    "https://www.w3.org/ns/credentials/v2": (
        "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734"
    ),
    "https://www.w3.org/ns/credentials/examples/v2": (
        "57393fbc69d6efb9b9b5dc9cb6b9880b0944360abfe2eaf459c9e58cf2279d7c"
    ),
    "https://www.w3.org/ns/credentials/undefined-terms/v2": (
        "82dab514ba44eb18f5d1b0f638c5e140c6a556fbfb5089601bdc0fa5eb8b2581"
    ),
    "https://w3id.org/security/data-integrity/v2": (
        "67f21e6e33a6c14e5ccfd2fc7865f7474fb71a04af7e94136cb399dfac8ae8f4"
    ),
    "https://w3id.org/security/multikey/v1": (
        "c5f3806f8286920573221938917988a18a4cc5a09e968d29649613c7a1c2b1f6"
    ),
    "https://www.w3.org/ns/did/v1": (
        "62c1054bf404d6dd3a4b26b64f830fd72095f6a26edc4469908c94351352ce5f"
    ),
}


@pytest.mark.parametrize("url", sorted(PUBLISHED))
def test_contexts_are_the_published_bytes(url):
    assert sha256(context_bytes(url)).hexdigest() == PUBLISHED[url]


def scopes(context):
    """Yield each set of terms that is in force together."""
    yield context
    for meaning in context.values():
        if isinstance(meaning, dict) and isinstance(meaning.get("@context"), dict):
            yield from scopes(meaning["@context"])


@pytest.mark.parametrize("url", sorted(CONTEXTS))
def test_contexts_hold_nothing_that_the_checks_do_not_know(url):
    context = context_document(url)["@context"]
    if "@vocab" not in context:
        assert (context["id"], context["type"]) == ("@id", "@type")
    for scope in scopes(context):
        assert scope.keys() & {"@base", "@import", "@language", "@direction", "@propagate"} == set()
        meanings = [
            meaning["@id"] if isinstance(meaning, dict) else meaning
            for name, meaning in scope.items()
            if not name.startswith("@")
        ]
        # Two terms of one meaning would be two spellings; a term that ends so is a prefix.
        assert len(set(meanings)) == len(meanings)
        assert not [m for m in meanings if m.endswith(("#", "/", ":"))]
        for meaning in scope.values():
            if isinstance(meaning, dict):
                assert meaning.keys() <= {"@id", "@type", "@container", "@context"}
                assert meaning.get("@container", "@set") in {"@set", "@list", "@graph"}


def test_unknown_contexts_have_no_meaning():
    for url in ("https://example.org/x", "file:///etc/passwd", "", "../v1.jsonld"):
        with pytest.raises(IncompleteError) as caught:
            context_bytes(url)
        assert caught.value.kind == "unknown-context"


def test_without_the_extra_it_is_said(monkeypatch):
    (case,) = [c for c in CASES if c["id"] == "signed"]
    real = builtins.__import__

    def without_pyld(name, *rest):
        if name.startswith("pyld"):
            raise ModuleNotFoundError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_pyld)
    eddsa_rdfc._load_pyld.cache_clear()
    try:
        with pytest.raises(IncompleteError) as caught:
            verify_proofs(case["document"], at=NOW)
        assert caught.value.kind == "missing-extra"
        assert "lyrikstore[jsonld]" in caught.value.hint
    finally:
        eddsa_rdfc._load_pyld.cache_clear()


def test_pyld_is_imported_only_when_needed():
    import subprocess

    code = "import sys, lyrikstore.w3c.proofs.proof_set; sys.exit('pyld' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_any_changed_leaf_is_noticed():
    """Every leaf of the document, changed in a way that its type allows."""
    (case,) = [c for c in CASES if c["id"] == "signed"]
    document = case["document"]

    def leaves(value, path=()):
        if isinstance(value, dict):
            for name, inner in value.items():
                yield from leaves(inner, (*path, name))
        elif isinstance(value, list):
            for place, inner in enumerate(value):
                yield from leaves(inner, (*path, place))
        else:
            yield path, value

    checked = 0
    for path, value in leaves(document):
        changed = copy.deepcopy(document)
        inner = changed
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = (
            f"{value}x" if isinstance(value, str) else not value if value is True else value + 1
        )
        with pytest.raises(LyrikstoreError):
            verify_proofs(changed, at=NOW)
        checked += 1
    assert checked > 25


def test_any_flipped_byte_is_noticed():
    """But for the case of a language tag: the graph has tags in lower case."""
    (case,) = [c for c in CASES if c["id"] == "signed"]
    data = encode(case["document"])
    tag = data.index(b'"@language":"de"') + len(b'"@language":"')
    accepted = []
    for place in range(len(data)):
        mutant = bytearray(data)
        mutant[place] ^= 1 << place % 8
        try:
            verify_proofs(parse(bytes(mutant), floats=True, nulls=True), at=NOW)
        except LyrikstoreError:
            continue
        accepted.append(place)
    assert set(accepted) <= {tag, tag + 1}


terms = st.text("abcdefgh", min_size=1, max_size=4).map(lambda name: "x" + name)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
leaves = st.one_of(st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), texts)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner.filter(lambda v: not isinstance(v, list)), min_size=1, max_size=3),
        st.dictionaries(terms, inner, min_size=1, max_size=3),
    ),
    max_leaves=8,
)


@given(st.dictionaries(terms, values, min_size=1, max_size=4))
def test_round_trip(subject):
    document = {
        "@context": [V2, EXAMPLES],
        "type": ["VerifiableCredential"],
        "issuer": signer_for("a").did,
        "credentialSubject": subject,
    }
    secured = add_proof(document, signer_for("a"), suite=eddsa_rdfc.CRYPTOSUITE, created=NOW)
    verified = verify_proofs(parse(encode(secured)), at=NOW)
    assert verified.document == document
    assert verified.proofs[0].key == signer_for("a").public
