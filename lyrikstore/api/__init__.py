"""The Python interface of lyrikstore, which notebooks, services and the command line import.

- ``Store``: one store with its user; its parts are ``datasets``, ``models``, ``credentials``,
  ``policy``, ``query`` and ``remotes``.
- REF: text that names a version, such as ``acme/letters``, or ``acme/letters~1``.
- place: a store's address: a folder, a URL, or a ``RemotePlace`` with options.
- report: the result of a verification: a verdict and the checks behind it.
- trust: the keys and DIDs that a verifier believes, from the trust file.

Names are imported on first use, so that importing this package costs nothing.
:mod:`lyrikstore.api.commands` has the names for the command line only. The packages below may
change in any version; errors, texts and times are in :mod:`lyrikstore.canon`.

Example:
    >>> from pathlib import Path
    >>> from lyrikstore.api import verify_delivery
    >>> from lyrikstore.canon.errors import NotFoundError
    >>> try:
    ...     verify_delivery("no-such-folder", trust_file=Path("trust.toml"))
    ... except NotFoundError as error:
    ...     print(error.kind)
    no-file
"""

from lyrikstore.lazy import lazily

__getattr__ = lazily(__name__, __file__)
