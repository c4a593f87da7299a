"""Stores, keys and disks that do not fit, and commands that are cut off: nothing is lost."""

import os
import shutil
import signal
import subprocess
import time

import pytest

from tests.cli.bad_input.refusing import NAME, refused
from tests.rewriting import rewrite


def test_keys_and_stores_that_do_not_fit(publisher, folder, new_person) -> None:
    stranger = new_person("stranger")
    assert stranger.fails(10, "log", NAME).err
    assert stranger.fails(12, "init").err

    stranger.ok("key", "new", "--no-passphrase")
    result = stranger.fails(12, "commit", folder, "-d", NAME, "--store", publisher.folder)
    assert "read-only for you" in result.err

    secret = publisher.folder / "secret"
    secret.write_text("right\n")
    publisher.ok("key", "new", "second", "--passphrase-file", secret)
    secret.write_text("wrong\n")
    (folder / "new.txt").write_text("new")
    result = refused(
        publisher,
        12,
        "commit",
        folder,
        "-d",
        NAME,
        "--signer",
        "second",
        "--passphrase-file",
        secret,
    )
    assert "passphrase" in result.err


def test_a_store_of_a_newer_format_is_left_alone(publisher, folder) -> None:
    marker = publisher.folder / ".lyrikstore" / "format"
    old = marker.read_bytes()
    rewrite(marker, b"lyrikstore 99\n")
    for arguments in (("log", NAME), ("commit", folder, "-d", NAME), ("verify",)):
        result = publisher.run(*arguments)
        assert result.code not in {0, 4}
        assert "format 99" in result.err
    rewrite(marker, old)
    publisher.ok("verify")


def test_a_copied_store_cannot_fork_the_log(publisher, folder) -> None:
    copy = publisher.folder / "copy"
    shutil.copytree(publisher.folder / ".lyrikstore", copy / ".lyrikstore")
    (folder / "new.txt").write_text("in the original")
    publisher.ok("commit", folder, "-d", NAME)
    (folder / "new.txt").write_text("in the copy")
    result = publisher.fails(15, "commit", folder, "-d", NAME, "--store", copy, "--json")
    assert result.kind == "copied-store"
    publisher.ok("verify")


def test_a_read_only_store_reads(publisher, folder) -> None:
    if os.geteuid() == 0:
        mounted = publisher.folder / "mounted"
        mounted.mkdir()
        store = publisher.folder / ".lyrikstore"
        script = 'mount --bind "$1" "$2" && mount -o remount,ro,bind "$2" && shift 2 && exec "$@"'
        command = ["unshare", "-m", "sh", "-c", script, "sh", str(store), str(mounted)]
        if subprocess.run([*command, "true"], capture_output=True).returncode:
            pytest.skip("NOT RUN: this machine cannot mount")
    else:
        mounted = publisher.folder / ".lyrikstore"
        for path in (mounted, *mounted.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        command = []

    def run(*arguments):
        return subprocess.run(
            [*command, *publisher.command(*arguments, "--store", mounted)],
            cwd=publisher.folder,
            env=publisher.variables(),
            capture_output=True,
            text=True,
        )

    assert run("log", NAME).returncode == 0
    verified = run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    (folder / "new.txt").write_text("new")
    refused_commit = run("commit", str(folder), "-d", NAME)
    assert refused_commit.returncode == 1, refused_commit.stderr
    assert "Traceback" not in refused_commit.stderr
    reason = "read-only" if os.geteuid() == 0 else "Permission denied"
    assert reason in refused_commit.stderr


def test_a_full_disk_is_said_and_loses_nothing(publisher, folder) -> None:
    small = publisher.folder / "small"
    small.mkdir()
    store = publisher.folder / ".lyrikstore"
    script = (
        'mount -t tmpfs -o size=3m none "$1" && cp -a "$2" "$1/" && shift 2 && "$@"; code=$?; '
        "exit $code"
    )
    command = ["unshare", "-m", "sh", "-c", script, "sh", str(small), str(store)]
    if os.geteuid() or subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("NOT RUN: this machine cannot mount a small file system")
    (folder / "big.bin").write_bytes(os.urandom(8 << 20))
    inner = " ".join(
        f"'{word}'" for word in publisher.command("commit", folder, "-d", NAME, "--store", small)
    )
    check = " ".join(f"'{word}'" for word in publisher.command("verify", "--store", small))
    done = subprocess.run(
        [*command, "sh", "-c", f"{inner}; echo commit $?; {check}; echo verify $?"],
        cwd=publisher.folder,
        env=publisher.variables(),
        capture_output=True,
        text=True,
    )
    assert "commit 1" in done.stdout, done.stdout + done.stderr
    assert "verify 0" in done.stdout, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "full" in done.stderr or "space" in done.stderr


def test_usage_errors_suggest_and_exit_2(publisher) -> None:
    assert publisher.run("verfy").code == 2
    assert publisher.run("commit").code == 2
    assert publisher.run("filter", NAME).code == 2


def test_a_store_is_not_made_over_something_else(new_person) -> None:
    person = new_person("somebody")
    person.ok("key", "new", "--no-passphrase")
    (person.folder / ".lyrikstore").mkdir()
    (person.folder / ".lyrikstore" / "mine.txt").write_text("mine")
    person.fails(15, "init")
    assert len(person.ok("key", "list", "--json").json["keys"]) == 1


def test_a_name_nobody_logged(publisher, folder) -> None:
    assert publisher.fails(1, "log", "acme/nothing", "--json").kind == "no-ref"
    assert publisher.run("why", NAME, "nothing.txt").code == 1


def test_control_c_in_a_commit_leaves_the_store_whole(publisher, folder) -> None:
    for number in range(3000):
        (folder / f"{number}.txt").write_text(f"text {number} " * 50)
    before = publisher.ok("log", "--audit", "--json").json
    process = subprocess.Popen(
        publisher.command("commit", folder, "-d", NAME),
        cwd=publisher.folder,
        env=publisher.variables(),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    writing = publisher.folder / ".lyrikstore" / "tmp"
    while process.poll() is None and not any(writing.iterdir()):
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    if process.returncode == 130:
        assert "interrupted" in err
    after = publisher.ok("log", "--audit", "--json").json
    assert after["entries"][: before["logSize"]] == before["entries"]
    assert after["logSize"] - before["logSize"] in {0, 2}  # all of the commit, or nothing
    if process.returncode:
        assert process.returncode == 130
    else:  # it was done before the signal came
        assert after["logSize"] > before["logSize"]
    assert publisher.run("verify").code == 0


def test_broken_pipe_and_full_standard_output(publisher, folder) -> None:
    process = subprocess.Popen(
        publisher.command("log", "--audit", "--json"),
        cwd=publisher.folder,
        env=publisher.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        process.stdout.close()
        err = process.stderr.read().decode()
    assert process.returncode in {0, 141}
    assert "Traceback" not in err
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            publisher.command("log", NAME),
            cwd=publisher.folder,
            env=publisher.variables(),
            stdout=full,
            stderr=subprocess.PIPE,
        )
    assert done.returncode != 0
    assert b"Traceback" not in done.stderr
