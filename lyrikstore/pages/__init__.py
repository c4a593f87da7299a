"""Pages of one object, written from a store and read back (spec §25.3).

* facts: what a page shows of an object, gathered from the store; the page carries them as data;
* kind of page: how it is drawn, and how its facts are judged again; see ``kinds.py``;
* read-back: the report on a page: drawn again from its facts, which are gathered again.

Example:
    >>> from lyrikstore.pages.kinds import KINDS
    >>> sorted(KINDS)
    ['evaluation', 'letter', 'monitor', 'plan', 'profile', 'report', 'run']
"""
