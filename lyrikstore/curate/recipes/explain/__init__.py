"""Explanations of filters: the history of a record, large drops, and traces of removed data.

The terms of this package:

* *stage*: one filter between the committed version and the version in question
* *chain*: the versions from a derived dataset back to a committed one
* *decision*: a row of the decision table: kept, dropped, divided, changed or reported
* *large drop*: a step that dropped more than a fifth of the records that reached it
* *trace*: data in a derived dataset from which removed values can be guessed

Example:
    >>> from lyrikstore.curate.recipes.explain.drops import LargeDrop
    >>> drop = LargeDrop(2, "allow/1", 10, {"not-allowed": 4}, "check the list")
    >>> drop.dropped
    4
    >>> str(drop)
    'step 2 (allow/1) dropped 4 of 10 records (not-allowed 4): check the list'
"""
