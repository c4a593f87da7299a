"""Profile ``w3c``: credentials and presentations that others issued (spec/17-w3c-profile.md).

What the W3C texts allow and our own profile does not is read here, and nowhere else: open sets of
members, fractions, offsets, several proofs. What may not be believed is refused here as well.
"""
