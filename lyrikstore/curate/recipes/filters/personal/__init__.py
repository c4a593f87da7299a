"""Filters for personal data: count it, replace it, or drop records that contain it.

The terms of this package:

* *detector*: a search for personal data: ``patterns``, ``presidio`` or ``rampart``
* *kind*: a category of personal data, such as ``email``
* *find*: a part of a text that a detector recognized
* *placeholder*: the text in place of a find, such as ``<EMAIL-1>``; equal values share a number
* *repeat*: another occurrence of a found value in the same record

Example:
    >>> from lyrikstore.curate.recipes.filters.personal.words import compile_values
    >>> deny = compile_values(["Acme*"], "redact/3: deny")
    >>> [match.group() for match in deny.finditer("Acme and ACMEsoft")]
    ['Acme', 'ACMEsoft']
"""
