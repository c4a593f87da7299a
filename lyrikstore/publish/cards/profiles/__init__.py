"""Profiles of cards: the questions of regulators and readers, as data files (spec §14.4.4).

* **item**: one thing that a profile requires or asks for.
* **question**: what only a person can answer, with choices or a text.
* **fill**: the facts that answer an item.
* **contradiction**: an answer that facts contradict.
* **as of**: the day for which the sources of a profile were read.

Example:
    >>> from lyrikstore.publish.cards.profiles.profile import load_profile
    >>> load_profile("dataset").about, load_profile("us-legal").jurisdiction
    ('dataset', 'United States')
"""
