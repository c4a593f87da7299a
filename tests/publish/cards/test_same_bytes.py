"""Files under terms that prohibit, committed anew under other terms: a warning, wherever asked."""

from datetime import timedelta
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.credentials.terms.model import Partition, Selector, Terms
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.curate.reading.datasets import StoredDatasets
from lyrikstore.history.repository.repository import Repository
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.report import Check, CheckState, Verdict
from lyrikstore.verify.rights.same_bytes import ProhibitingTerms
from lyrikstore.verify.store.object import verify_object
from lyrikstore.verify.store.readers import Readers
from lyrikstore.verify.store.store import verify_store
from tests.contexts import context_of
from tests.credentialed import log_credential
from tests.publish.cards import making as cards
from tests.publish.cards.making import make, statement_of

CHECK = "rights.same-bytes"
ROOT = signer_for("a publisher")


def theirs(chain: Any, world: Any, terms: Terms, *, by: Any = ROOT, again: bool = False) -> Digest:
    """Log a dataset that has a file of the chain's, and what its publisher says of it."""
    if not again:
        files = {"letters/x.txt": world.DOCUMENTS["a/one.txt"], "y.txt": b"another\n"}
        chain.dataset("theirs", "datasets/press/letters", files)
    valid = (chain.clock(), chain.clock() + timedelta(days=9))
    data = log_credential(chain.repository, chain.made["theirs"], by, terms, valid)
    return Digest.of(data)


def no(*words: str, **changes: Any) -> Terms:
    return Terms((Partition("all", ("evaluate",), words, **changes),))


def judge(chain: Any) -> Check:
    trust = Trust((TrustedIssuer(did=chain.signer.did, nickname="owner"),))
    context = context_of(chain.repository, trust=trust, clock=chain.clock)
    readers = Readers(datasets=StoredDatasets())
    one = verify_object(context, chain.made["checkpoint"].id, readers=readers)
    whole = verify_store(context, readers=readers)
    assert one.check(CHECK) == whole.check(CHECK)
    return one.check(CHECK)


def test_files_that_somebody_else_prohibits_are_reported(chain: Any, world: Any) -> None:
    assert judge(chain).state is CheckState.PASS
    credential = theirs(chain, world, no("train", "redistribute"))
    found = judge(chain)
    assert (found.state, found.detail["reason"]) == (CheckState.WARN, "prohibited-elsewhere")
    assert found.detail["shared"] == [
        {
            "dataset": str(chain.made["raw"].id),
            "files": 2,  # it is there twice
            "name": "datasets/press/letters",
            "credential": str(credential),
            "issuer": ROOT.did,
            "prohibits": ["train"],  # to hand it on, the right does not permit
        }
    ]


def test_a_warning_is_no_verdict(chain: Any, world: Any) -> None:
    trust = Trust((TrustedIssuer(did=chain.signer.did, nickname="owner"),))

    def verdict() -> Verdict:
        run = chain.made["run"].id
        return verify_object(
            context_of(chain.repository, trust=trust, clock=chain.clock), run
        ).verdict

    before = verdict()
    theirs(chain, world, no("train"))
    assert verdict() is before


@pytest.mark.parametrize(
    "terms",
    [
        no("commercialUse"),
        Terms((Partition("all", ("evaluate",)),)),
        Terms(
            (
                Partition("free", ("train",), select=(Selector(path="letters"),)),
                Partition("rest", (), ("train",)),
            )
        ),
    ],
    ids=["another-act", "not-stated", "another-partition"],
)
def test_terms_that_do_not_prohibit_it(chain: Any, world: Any, terms: Terms) -> None:
    theirs(chain, world, terms)
    assert judge(chain).state is CheckState.PASS


def test_the_last_word_of_an_issuer_counts_and_the_own_word_is_no_other(
    chain: Any, world: Any
) -> None:
    theirs(chain, world, no("train"), by=chain.signer)
    assert judge(chain).state is CheckState.PASS
    theirs(chain, world, no("train"), again=True)
    assert judge(chain).state is CheckState.WARN
    theirs(chain, world, Terms((Partition("all", ("train",)),)), again=True)
    assert judge(chain).state is CheckState.PASS


def test_what_was_not_read_is_not_counted(chain: Any, world: Any) -> None:
    theirs(chain, world, no("train"))
    terms, rights = ProhibitingTerms(chain.repository), chain.made["run"].body["rights"]
    assert terms.shared(rights, [chain.made["train"]])
    assert not terms.shared(rights, [chain.made["test"]])


def test_what_cannot_be_compared_is_no_success(chain: Any, world: Any) -> None:
    packs = chain.repository.root / "packs"
    before = set(packs.rglob("*.pack"))
    theirs(chain, world, no("train"))
    at, tree = chain.clock(), chain.made["theirs"].tree
    judged = 0
    for pack in set(packs.rglob("*.pack")) - before:
        # ATTACK: whoever holds the store damages what would tell.
        whole = pack.read_bytes()
        pack.chmod(0o600)
        for place in range(0, len(whole), 64):
            pack.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            fresh = Repository.open(chain.repository.root)
            try:
                fresh.blobs.read(tree, max_bytes=1 << 20)
            except LyrikstoreError:
                report = verify_object(
                    context_of(fresh, trust=Trust(), clock=lambda: at), chain.made["run"].id
                )
                assert report.check(CHECK).state is CheckState.UNCHECKED
                assert report.verdict in {Verdict.INCOMPLETE, Verdict.INVALID}
                judged += 1
        pack.write_bytes(whole)
    assert judged


def test_a_card_says_it_and_can_be_made_again(chain: Any, world: Any) -> None:
    credential = theirs(chain, world, no("train"))
    card = make(chain)
    name = "rights.same-bytes:datasets/acme/contracts datasets/press/letters"
    assert "2 files are also in" in statement_of(card, name)["text"]
    assert credential in card.document.evidence
    for rendering in ("markdown", "html"):  # on the first page
        first = card.renderings[rendering].split(b"In figures")[0]
        assert b"2 files are also in" in first
    report = cards.judge(chain, card.renderings["html"])
    assert report.check("card.sources").state is CheckState.PASS
    # What was logged since makes no other card of it.
    theirs(chain, world, no("train", "research"), by=signer_for("a third"), again=True)
    report = cards.judge(chain, card.renderings["html"])
    assert report.check("card.sources").state is CheckState.PASS
