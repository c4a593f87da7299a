"""RFC 9162 trees against the RFC's own recursive definitions and the RFC 6962 test tree."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import InvalidInputError, VerificationError
from lyrikstore.history.log import merkle

LEAVES = [merkle.leaf_hash(str(i).encode()) for i in range(70)]


def definition(leaves):
    """The recursive definition of section 2.1.1, over leaf hashes."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    left, right = definition(leaves[:k]), definition(leaves[k:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def subproof(m, leaves, whole):
    """The recursive definition of section 2.1.4.1."""
    if m == len(leaves):
        return [] if whole else [definition(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*subproof(m, leaves[:k], whole), definition(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), definition(leaves[:k])]


def refuses_inclusion(*arguments):
    with pytest.raises(VerificationError) as caught:
        merkle.verify_inclusion(*arguments)
    assert caught.value.kind == "bad-inclusion"


def refuses_consistency(*arguments):
    with pytest.raises(VerificationError) as caught:
        merkle.verify_consistency(*arguments)
    assert caught.value.kind == "bad-consistency"


def test_root_matches_the_definition():
    for size in range(len(LEAVES) + 1):
        assert merkle.root(iter(LEAVES[:size])) == definition(LEAVES[:size])


def test_known_tree_of_certificate_transparency():
    # The eight leaves used by the Certificate Transparency test suites.
    entries = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
    entries.append("606162636465666768696a6b6c6d6e6f")
    leaves = [merkle.leaf_hash(bytes.fromhex(e)) for e in entries]
    assert leaves[0].hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    expected = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert merkle.root(leaves).hex() == expected


def test_every_inclusion_proof_holds_and_no_other_does():
    for size in range(1, 36):
        leaves = LEAVES[:size]
        top = merkle.root(leaves)
        for index in range(size):
            proof = merkle.inclusion_proof(leaves, index)
            merkle.verify_inclusion(leaves[index], index, size, proof, top)
            wrong = [(leaves[index], index + 1, size, proof), (LEAVES[-1], index, size, proof)]
            wrong += [(leaves[index], index, size, proof[:-1])] if proof else []
            wrong += [(leaves[index], index, size, [*proof, top])]
            wrong += [(leaves[index], index, size, [top, *proof[1:]])] if proof else []
            wrong += [(leaves[index], -1, size, proof)]
            for leaf, position, count, path in wrong:
                refuses_inclusion(leaf, position, count, path, top)


def test_a_proof_that_ends_below_the_root_gives_no_root():
    for size in range(2, 20):
        for index in range(size):
            proof = merkle.inclusion_proof(LEAVES[:size], index)
            for length in range(len(proof)):
                with pytest.raises(VerificationError) as caught:
                    merkle.root_from_inclusion(LEAVES[index], index, size, proof[:length])
                assert caught.value.kind == "bad-inclusion"


def test_a_proof_that_goes_on_above_the_root_shows_nothing():
    """ATTACK: the roots of trees that are one level higher than trees of their size."""
    top = LEAVES[-1]
    for size in range(1, 20):
        new = merkle.node_hash(top, merkle.root(LEAVES[:size]))
        for index in range(size):
            proof = [*merkle.inclusion_proof(LEAVES[:size], index), top]
            refuses_inclusion(LEAVES[index], index, size, proof, new)
        for old_size in range(1, size):
            old = merkle.node_hash(top, merkle.root(LEAVES[:old_size]))
            proof = [*merkle.consistency_proof(LEAVES[:size], old_size), top]
            refuses_consistency(old_size, size, proof, old, new)


def test_every_consistency_proof_is_the_rfcs_and_holds():
    for size in range(1, 36):
        new = merkle.root(LEAVES[:size])
        for old_size in range(size + 1):
            old = merkle.root(LEAVES[:old_size])
            proof = merkle.consistency_proof(LEAVES[:size], old_size)
            if old_size:
                assert proof == subproof(old_size, LEAVES[:size], True)
            merkle.verify_consistency(old_size, size, proof, old, new)
            for position in range(len(proof)):
                changed = [*proof[:position], merkle.EMPTY_ROOT, *proof[position + 1 :]]
                refuses_consistency(old_size, size, changed, old, new)
            refuses_consistency(old_size, size, [*proof, new], old, new)
            refuses_consistency(old_size, size, proof, LEAVES[0][::-1], new)
            refuses_consistency(size + 1, size, proof, old, new)


@given(st.integers(1, 10**12), st.data())
def test_ranges_of_huge_trees_are_short_and_disjoint(size, data):
    index = data.draw(st.integers(0, size - 1))
    ranges = merkle.inclusion_ranges(index, size)
    assert len(ranges) <= 40
    assert sum(end - start for start, end in ranges) == size - 1
    assert not any(start <= index < end for start, end in ranges)
    old = data.draw(st.integers(1, size))
    assert len(merkle.consistency_ranges(old, size)) <= 41


def test_impossible_questions_are_refused():
    for call in (
        lambda: merkle.inclusion_proof(LEAVES, len(LEAVES)),
        lambda: merkle.inclusion_proof([], 0),
        lambda: merkle.consistency_proof(LEAVES, len(LEAVES) + 1),
        lambda: merkle.consistency_proof(LEAVES, -1),
    ):
        with pytest.raises(InvalidInputError) as caught:
            call()
        assert caught.value.kind == "bad-index"
    refuses_inclusion(b"short", 0, 1, [], b"short")
    refuses_inclusion(LEAVES[0], 0, 1, [LEAVES[0]] * 70, LEAVES[0])
