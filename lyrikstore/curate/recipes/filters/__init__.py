"""The built-in filters; each has a name and a version, such as ``allow/1``.

The terms of this package:

* *filter*: a class of ``contract.py``; a configured filter is a step of a recipe
* *record*: the named fields of a row, or of a document with its sheet metadata
* *outcome*: keep, drop, change or divide a record, with a reason code
* *dataset filter*: a filter that decides after it knows the keys of all records
* *input*: the text, the bytes or the fields that a filter reads

Example:
    >>> from lyrikstore.canon.digest import Digest
    >>> from lyrikstore.curate.recipes.filters.contract import FilterRecord
    >>> from lyrikstore.curate.recipes.filters.registry import FILTERS
    >>> allow = FILTERS["allow/1"].configure({"column": "lang", "values": ["de"], "absent": "drop"})
    >>> fields = {"lang": "en"}
    >>> allow.decide(FilterRecord("a.txt", 0, Digest.of(b"Hello"), fields, fields)).reason
    'not-allowed'
"""
