"""Backend addresses: what another machine needs to open the same backend."""

from typing import Any

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.objects.backends.base import Backend, LocalBackend
from lyrikstore.objects.backends.remote import RemoteBackend


def address_of(backend: Backend) -> dict[str, Any]:
    """Return the address with which another machine can open a backend, without credentials.

    Raises:
        InvalidInputError: (``backend-not-shared``) another machine cannot open it.
    """
    if isinstance(backend, LocalBackend):
        return {"url": str(backend.root.resolve()), "options": {}}
    if isinstance(backend, RemoteBackend) and not backend.url.startswith("memory:"):
        return {"url": backend.url, "options": backend.options}
    raise InvalidInputError(
        "backend-not-shared",
        "other machines cannot open this store",
        hint="use a store in a shared folder or a bucket",
    )
