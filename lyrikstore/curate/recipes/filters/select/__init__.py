"""Filters that select records: samples, balances, licences, opt-outs, languages and quality.

The terms of this package:

* *sample*: records drawn by a hash of a seed and the record id
* *balance*: an upper limit of records for each value of a field
* *opt-out*: a listed record, or a preference statement in it, that excludes it from training
* *allowed licence*: an SPDX id; a record's licence expression must be satisfied by these
* *quality rule*: a bound on one measure of a text

Example:
    >>> from lyrikstore.curate.recipes.filters.select.quality_measures import TextMeasures
    >>> text = TextMeasures(chr(10).join(["one line", "one line", "another"]))
    >>> len(text.words), text.repeated_lines
    (5, (1, 3))
"""
