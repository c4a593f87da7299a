"""A folder of documents that a publisher committed."""

import pytest

from tests.cli.bad_input.refusing import NAME


@pytest.fixture
def folder(publisher, corpus):
    """Return a folder of documents that was committed once."""
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME)
    return documents
