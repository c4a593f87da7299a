"""Commit: from a folder or file to a signed dataset version (spec §12.1).

- inputs: the metadata that the publisher states, and the options of the commit (``inputs.py``)
- plan: files, sheet, rows and metadata, known before the first byte is written (``plan.py``)
- statement: the content of the new manifest, before it is signed (``statement.py``)
- cache: the last commit of each folder, outside the store (``commit_cache.py``)
- status: the changes that a commit of a folder would make (``status.py``)

Example:
    >>> from lyrikstore.curate.commit.inputs import CommitMetadata, CommitOptions, words_digest
    >>> one = words_digest(CommitMetadata(licence="MIT"), CommitOptions())
    >>> other = words_digest(CommitMetadata(licence="CC0-1.0"), CommitOptions())
    >>> one == other  # another licence makes a new version, even if no file has changed
    False
"""
