"""Detection of personal data in a text, by pure functions without recipes or stores (spec §12.5).

- find: a place in a text with personal data, from ``find.find`` (``found.py``)
- kind: the kind of personal data, such as ``email``, with its placeholder (``kinds.py``)
- detector: ``patterns``, ``presidio`` or ``rampart``; several can be combined (``detectors.py``)
- recogniser: a function of ``patterns`` for some kinds (``recognisers/``)
- docket number: a court's case number; no other kind takes it, so that it can stay

Example:
    >>> from lyrikstore.curate.personal.find import find
    >>> [item] = find("Write to jane@example.org.", ("patterns",), ("email",))
    >>> item.kind, item.start, item.end
    ('email', 9, 25)
"""
