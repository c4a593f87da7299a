"""Exports of verified objects in formats of other tools (spec §23.1).

* statement: in-toto Statement v1: subjects by digest, and a predicate about them;
* predicate: what is said, in a form that a URI names, such as SLSA provenance;
* envelope: DSSE, the signed bytes of a statement;
* format: a name of the registry, and the kinds of object that it is for.

Example:
    >>> from lyrikstore.audit.statements.export import FORMATS
    >>> sorted(FORMATS)
    ['croissant', 'slsa', 'test-result', 'vsa']
"""
