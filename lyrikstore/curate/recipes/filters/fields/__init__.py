"""Filters over fields of records: conditions on values, and changes of values and names.

The terms of this package:

* *predicate*: an SQL expression over the fields of one record, for ``where/1``
* *value map*: old value → new value of a field, for ``map/1``
* *template*: a text with names of fields in braces
* *role*: the use of a field, such as text, label or id; it moves with a renamed field

Example:
    >>> from lyrikstore.curate.recipes.filters.fields.template import Template
    >>> template = Template.parse("{question} {answer}", "combine")
    >>> template.fill({"question": "Why?", "answer": "So."}.get)
    'Why? So.'
"""
