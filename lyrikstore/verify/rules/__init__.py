"""Decisions by rules, made before a use and computed again when it is verified (spec §21.8).

* Rules in force: the packs of a namespace as of a log index.
* Use: an action on datasets and models, by one key, with what it declares.
* Request: the resources of a use with their facts, in canonical bytes.
* Decision: a signed statement of what the rules answer to a request.
* Waiver: a signed exception to one rule for one object, until a day; it grants nothing.

Example:
    >>> from lyrikstore.verify.rules.request import namespace_of
    >>> namespace_of("runs/acme/triage")
    'acme'
"""
