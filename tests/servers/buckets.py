"""What the tests need of a server with buckets, whatever cloud's it is."""

import itertools
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import pytest

from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.backends.open import Retry, open_backend

_COUNT = itertools.count()


@dataclass
class BucketServer(ABC):
    """A running service and a user of it.

    Attributes:
        endpoint: Its URL.
        environment: What to add to the environment of a command that talks to it.
    """

    endpoint: str
    environment: dict[str, str]

    @abstractmethod
    def make_bucket(self, name: str) -> str:
        """Make an empty bucket and return its URL."""

    @abstractmethod
    def options_at(self, endpoint: str) -> dict[str, str]:
        """Options for :func:`open_backend`, for somebody who comes by another address."""

    @property
    def options(self) -> dict[str, str]:
        """Options for :func:`open_backend`."""
        return self.options_at(self.endpoint)

    def new_url(self, prefix: str = "some/prefix") -> str:
        """Make an empty bucket and return the URL of a store in it."""
        # With the process id: several processes share one server.
        return f"{self.make_bucket(f'lyrik-test-{os.getpid()}-{next(_COUNT)}')}/{prefix}"

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put the credentials into this process's environment."""
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)

    def backend(
        self, monkeypatch: pytest.MonkeyPatch, scratch: Path, retry: Retry | None = None
    ) -> Backend:
        """Return an empty backend on this server."""
        self.use(monkeypatch)
        return open_backend(self.new_url(), scratch=scratch, options=self.options, retry=retry)
