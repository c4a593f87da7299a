"""Terms of datasets: licences, permitted uses of sources, measures (spec/19-terms.md).

- terms: acts that a publisher permits, prohibits or leaves undeclared, with duties and limits
- partition: files of a dataset with the same terms
- mix: the terms of several datasets used together; the worst answer decides (``combined.py``)
- grant: terms that a publisher gives to one holder beyond those for everybody
- offer: the terms and claims that a publisher issues, from ``terms.toml`` (``offer.py``)

Example:
    >>> from lyrikstore.curate.terms.licence import parse_licence
    >>> parse_licence("mit or apache-2.0")
    'MIT OR Apache-2.0'
"""
