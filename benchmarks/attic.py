"""Nothing is deleted before the last measurement: what was measured is put away until then.

ext4 without a journal uses no inode again within minutes of its deletion, and whoever makes a file
there passes over all of those, one by one (``recently_deleted`` in a profile of the kernel). After
the deletion of many files each new one then takes ten or a hundred times as long, whoever makes it.
"""

import itertools
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

from measure import remove

NAME = "attic"
FEW = 200
"""Files; deleting so many slows nobody by more than 1%."""
ROOM = 20e9
"""Free bytes that a tool's turn may need; with fewer the attic is emptied."""
AT_REST = 4.0
"""Making an empty file takes 1.5 to 3 times as long as opening it: on ext4, XFS and tmpfs alike."""
LONGEST = 600.0
"""Seconds; the kernel passes over what was deleted in the last 60, or 360, of them."""
PAUSE = 10.0
FILES, FOLDERS = 2_000, 250


class Attic:
    """A folder for what is not needed any more, on the file system of the measurements.

    Args:
        work: The folder of the run.

    Attributes:
        looks: What :meth:`rest` found, each time.
    """

    def __init__(self, work: Path) -> None:
        self._work = work
        self._place = work / NAME
        self._numbers = itertools.count()
        self.looks: list[float] = []

    def put(self, folder: Path) -> None:
        """Have a folder gone from its place; with few files in it, it is deleted at once.

        If the disk gets short, everything here is deleted and rest is waited for.
        """
        if not folder.exists():
            return
        if self._has_few(folder):
            remove(folder)
        else:
            folder.chmod(folder.stat().st_mode | stat.S_IWUSR)  # or it cannot be moved
            folder.rename(self._next())
            # Or what the kernel has still to write of it would slow what is measured next.
            subprocess.run(["sync", "--file-system", str(self._place)], check=True)
        if shutil.disk_usage(self._work).free < ROOM and self._place.exists():
            sys.stderr.write("the disk is short: deleting what was put away, and waiting\n")
            self.empty()
            self.rest()

    def rest(self) -> None:
        """Wait until making files takes no longer than it has to, :data:`LONGEST` at most."""
        begin = time.monotonic()
        while (found := self._look()) > AT_REST and time.monotonic() - begin < LONGEST:
            sys.stderr.write(f"the file system is not at rest ({found:.0f}): waiting\n")
            time.sleep(PAUSE)
        self.looks.append(found)

    def empty(self) -> None:
        """Delete everything."""
        remove(self._place)

    def describe(self) -> str:
        """Return in words what the looks found."""
        low, high = min(self.looks), max(self.looks)
        judged = "at rest" if high <= AT_REST else "NOT AT REST"
        return (
            f"{judged}: in {len(self.looks)} looks, making a file took {low:.1f} to {high:.1f} "
            "times as long as opening it"
        )

    def _next(self) -> Path:
        self._place.mkdir(exist_ok=True)
        return self._place / str(next(self._numbers))

    def _has_few(self, folder: Path) -> bool:
        count = 0
        for _, _, names in os.walk(folder):
            count += len(names)
            if count > FEW:
                return False
        return True

    def _look(self) -> float:
        # In many folders, since each has inodes of its own; in processor time, which others on
        # this machine do not change. The files stay: to delete them would be to spoil the next.
        base = self._next()
        paths = [str(base / str(n % FOLDERS) / str(n)) for n in range(FILES)]
        base.mkdir()
        for number in range(FOLDERS):
            (base / str(number)).mkdir()

        def seconds(flags: int) -> float:
            begin = time.process_time()
            for path in paths:
                os.close(os.open(path, flags, 0o600))
            return time.process_time() - begin

        made = seconds(os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        return made / seconds(os.O_WRONLY | os.O_TRUNC)
