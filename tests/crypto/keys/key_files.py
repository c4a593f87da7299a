"""What tests of key files ask: their mode, a passphrase, OpenSSH."""

import shutil
import stat
import subprocess

import pytest

from tests.people import is_known_user

SECRET = b"correct horse battery staple"


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def ask(_path):
    return SECRET


def never(path):
    pytest.fail(f"asked for the passphrase of {path}")


def ssh_keygen(*arguments):
    program = shutil.which("ssh-keygen")
    if program is None:
        pytest.skip("NOT RUN, install openssh-client")
    if not is_known_user():
        pytest.skip("NOT RUN: OpenSSH wants this user in the user database")
    return subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, timeout=60
    )
