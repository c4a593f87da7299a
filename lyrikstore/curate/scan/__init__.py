r"""Scan of a folder for a commit: its files, which of them are left out, and their digests.

- listing: the files of a folder with their states, made by one or two processes (``listing.py``)
- ignore rule: a line of ``.lyrikignore`` that leaves files out (``ignore.py``)
- offender: a file that cannot be committed, with a kind and the next step (``walk.py``)
- mapped name: an allowed name for a file whose own name is refused (``mapping.py``)
- hashing: digests of the files; unchanged ones come from the stat cache (``hashing.py``)

Example:
    >>> from lyrikstore.curate.scan.ignore import ignored_by, parse_rules
    >>> rules = parse_rules("*.log\n!keep.log\n")
    >>> ignored_by("a/b.log", rules, is_folder=False).line
    1
    >>> ignored_by("keep.log", rules, is_folder=False) is None
    True
"""
