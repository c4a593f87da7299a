"""Kill -9 at random moments of a commit: nothing earlier lost, nothing half-made visible."""

import os
import random
import signal
import subprocess
import time

NAME = "acme/licences"


def test_kill_at_ten_moments_of_commit(publisher, corpus) -> None:
    documents, sheet = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME, "--metadata", sheet)
    for number in range(1500):
        (documents / f"more-{number}.txt").write_bytes(os.urandom(4000))

    # How long an undisturbed commit takes here, on a store of its own.
    begin = time.monotonic()
    publisher.ok("commit", documents, "-d", "acme/timing")
    duration = time.monotonic() - begin

    chance = random.Random(20261124)
    killed = 0
    for attempt in range(10):
        (documents / "changing.txt").write_text(f"attempt {attempt}")
        for number in range(300):
            (documents / f"more-{number}.txt").write_bytes(os.urandom(4000))
        before = publisher.ok("log", NAME, "--json").json["versions"]
        process = subprocess.Popen(
            publisher.command("commit", documents, "-d", NAME),
            cwd=publisher.folder,
            env=publisher.variables(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.uniform(0.15, max(0.3, duration)))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        after = publisher.ok("log", NAME, "--json").json["versions"]
        # The new version is there whole, or not at all; every earlier one is where it was.
        assert after[-len(before) :] == before
        assert len(after) - len(before) in {0, 1}
        verdict = publisher.run("verify", "--json")
        assert verdict.code == 0, verdict.out
    assert killed >= 3, "the kills came too late to test anything"

    publisher.ok("commit", documents, "-d", NAME)  # no lock stays stuck, the work goes on
    assert publisher.run("verify").code == 0
