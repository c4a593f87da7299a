"""Exports: terms of credentials in other vocabularies, for other software (spec §19.7).

* **policy**: the terms of a dataset credential in ODRL 2.2.
* **offer**: a policy that its assigner, the issuer, makes to everybody.
* **action**: the ODRL word for a word of ``permits`` and ``prohibits``, such as ``distribute``.
* **duty**: the ODRL word for a word of ``requires``, such as ``attribute``.
* **profile**: the lyrikstore words for actions without an ODRL word, with the prefix ``lyrik:``.

Example:
    >>> from lyrikstore.publish.exports.odrl import ACTIONS, DUTIES
    >>> ACTIONS["redistribute"], ACTIONS["train"], DUTIES["attribution"]
    ('distribute', 'lyrik:train', 'attribute')
"""
