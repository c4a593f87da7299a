"""The W3C profile, RDF canonicalization and the VC API; the core works without them.

What the W3C texts allow and our own profile does not is read here, and nowhere else: open sets of
members, fractions, offsets, several proofs. What may not be believed is refused here as well
(spec/17-w3c-profile.md). Reached from :mod:`lyrikstore.api` alone, which loads it when it is asked
for.
"""
