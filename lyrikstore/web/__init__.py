"""Floor 9: the verification page, a second verifier in one file (page/ holds its source)."""

from hashlib import sha256
from importlib.resources import files


def page() -> bytes:
    """Return the page: one HTML document that needs no network and sends nothing anywhere."""
    return files("lyrikstore").joinpath("web", "verify.html").read_bytes()


def fingerprint() -> str:
    """Return the SHA-256 of the page in hexadecimal, to compare with another copy of it."""
    return sha256(page()).hexdigest()
