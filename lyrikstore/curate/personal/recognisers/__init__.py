"""Our own recognisers: patterns with check digits and context words, in time linear in the text.

- mark: start, end and kind of a find (``marks.py``)
- checked number: found by its check digit or form, without a word beside it (``checked.py``)
- labelled number: found by a word beside it, such as ``MRN`` (``labelled.py``)
- context word: a word near a find that shows its kind

Example:
    >>> from lyrikstore.curate.personal.recognisers.checked import passes_luhn
    >>> passes_luhn("4111111111111111"), passes_luhn("4111111111111112")
    (True, False)
"""
