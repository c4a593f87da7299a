"""Gathering of a card's inputs, by the format that it is written in (spec §14.4.1).

* **form**: version of the card format, and whether values of the data are included.
* **ancestry**: the datasets, runs and models that the subject of a card rests on.
* **credential facts**: a logged credential with a valid signature of its issuer.
* **terms**: the dataset credentials and grants about a dataset.
* **cited objects**: the objects in a signed card, as its author knew them.

Example:
    >>> from lyrikstore.publish.cards.gathering.form import FORMAT, form_with
    >>> form_with(values=True).contains_values, form_with(values=False).contains_values, FORMAT
    (True, False, 'card/8')
"""
