"""What a command says is done survives a power cut: the order of its system calls, by strace."""

import subprocess
from pathlib import Path

import pytest


@pytest.mark.faults
def test_the_list_of_remotes_is_on_disk_before_it_has_its_name(publisher, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    calls = "trace=fsync,rename,renameat,renameat2"
    command = publisher.command("remote", "add", "origin", tmp_path / "mirror")
    subprocess.run(
        ["strace", "-f", "-y", "-qqq", "-o", trace, "-e", calls, *command],
        cwd=publisher.folder,
        env=publisher.variables(),
        check=True,
        capture_output=True,
    )
    told = [line for line in trace.read_text("utf-8").splitlines() if "/remotes" in line]
    kinds = [line.split()[1].partition("(")[0] for line in told]
    assert [kind[:6] for kind in kinds] == ["fsync", "rename", "fsync"], told
    assert "/remotes>" in told[-1]
