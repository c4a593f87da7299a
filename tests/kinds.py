"""What is refused, by the kind of its error."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lyrikstore.canon.errors import LyrikstoreError


@contextmanager
def refused(kind: str) -> Iterator[pytest.ExceptionInfo[LyrikstoreError]]:
    """Hold that what is done within raises an error of ours of this kind."""
    with pytest.raises(LyrikstoreError) as caught:
        yield caught
    assert caught.value.kind == kind
