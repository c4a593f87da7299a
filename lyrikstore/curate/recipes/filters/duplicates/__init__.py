"""Filters that find equal or similar texts, within a dataset or in a test set.

The terms of this package:

* *duplicate*: a record with the same text, exactly or in normal form
* *shingle*: a sequence of words of a text, as a number
* *MinHash*: a few numbers of a set of shingles; similar sets share some of them
* *near duplicate*: a record whose shingles have a high Jaccard similarity with another's
* *cluster*: records that are linked as near duplicates

Example:
    >>> from lyrikstore.curate.recipes.filters.duplicates.between import find_near
    >>> find_near(["The tenant pays the rent.", "No."], ["the tenant  pays the rent."])
    [True, False]
"""
