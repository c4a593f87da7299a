"""Terms of use of data (spec/19-terms.md).

- partition: the files of a dataset that have the same terms.
- permission, prohibition: an act, such as ``train``, that the terms allow or forbid.
- duty: an obligation of the holder, such as ``deleteOnExpiry``.
- limit: territory, period, seats or purposes within which a permission holds.
- use: the acts of a user, with territory, seats and purposes, which the terms are checked for.

Example:
    >>> from lyrikstore.credentials.terms.vocabulary import territory_of
    >>> territory_of(["DE", "US-CA"])
    ('DE', 'US-CA')
"""
