"""The user's trust file: a summary in plain words, and changes (docs/trust.md)."""

from lyrikstore.credentials.trust.edit import (
    add_authority,
    add_issuer,
    add_log,
    add_witness,
    check_issuer,
    pin_file,
    remove,
    set_limit,
)
from lyrikstore.credentials.trust.explain import explain
from lyrikstore.credentials.trust.model import CLAIMS, ROLES

__all__ = [
    "CLAIMS",
    "ROLES",
    "add_authority",
    "add_issuer",
    "add_log",
    "add_witness",
    "check_issuer",
    "explain",
    "pin_file",
    "remove",
    "set_limit",
]
