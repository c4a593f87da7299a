"""Lyrikstore and its peers: the lines of shell by which each does each piece of work.

In a line, ``$TREE`` (the current folder) is a working copy with the corpus in ``$TREE/data``,
``$STORE`` the tool's store, ``$OUT`` a folder that does not exist yet, ``$REMOTE`` an empty one
and ``$R`` a name for it, ``$V`` a label. Every tool has a HOME of its own. Peers run with their
defaults; where two settings matter, both are here.
"""

import compileall
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from measure import environment, run

HERE = Path(__file__).resolve().parent
GIT = "git init -q -b main && git config gc.auto 0 && git config maintenance.auto false && "


@dataclass(frozen=True)
class Tool:
    """One tool; an empty line means that it has no such operation.

    Attributes:
        name: As tables show it.
        program: What must be on the PATH; ``version`` prints its version.
        corpora: Where it runs unless asked otherwise.
        holds: The folders that are its store.
        touches: It changes its working copy, which then must be no hard links.
    """

    name: str
    program: str
    version: str
    init: str
    commit: str
    status: str = ""
    verify: str = ""
    checkout: str = ""
    push_init: str = ""
    push: str = ""
    data_init: str = ""
    data: str = ""
    corpora: tuple[str, ...] = ("docs", "shards", "versions")
    holds: tuple[str, ...] = ("store",)
    touches: bool = False
    variables: dict[str, str] = field(default_factory=dict)


_IN = "-q --store $STORE/.lyrikstore"
_SIGNING = f"python {HERE / 'signing.py'}"
_GIT_COMMIT = "git add -A && git commit -qm $V"
_DVC = Tool(
    name="dvc",
    program="dvc",
    version="dvc --version",
    init=GIT + "dvc init -q",
    commit="dvc add -q data && git add -A . && git commit -qm $V",
    status="dvc status -q",
    checkout="git clone -q $TREE $OUT && cd $OUT && dvc cache dir --local $TREE/.dvc/cache"
    " && dvc checkout -q",
    push_init="dvc remote add -q -f -d r $REMOTE",
    push="dvc push -q",
    holds=("tree/.dvc/cache", "tree/.git"),
    touches=True,
    variables={"DVC_NO_ANALYTICS": "1", "CI": "true"},
    corpora=("docs", "shards"),
)
_LINKS = "cache.type hardlink,symlink"
TOOLS = (
    Tool(
        name="lyrikstore",
        program="lyrikstore",
        version="lyrikstore --version",
        init="lyrikstore key new --no-passphrase -q && lyrikstore init $STORE -q",
        commit="lyrikstore commit data -d bench/corpus " + _IN,
        status="lyrikstore status data " + _IN,
        verify="lyrikstore verify " + _IN,
        checkout="mkdir $OUT && lyrikstore checkout bench/corpus $OUT/data " + _IN,
        push_init="lyrikstore remote add $R $REMOTE --mirror " + _IN,
        push="lyrikstore push $R " + _IN,
        data_init="lyrikstore issue bench/corpus -o $STORE/out --permit train --valid-for 365d "
        + _IN,
        data="lyrikstore verify $STORE/out/credential.json --data data -q",
        holds=("store/.lyrikstore",),
    ),
    Tool(
        name="restic",
        program="restic",
        version="restic version",
        init="restic init -q -r $STORE",
        commit="restic backup -q -r $STORE data",
        status="restic backup -q --dry-run -r $STORE data",
        verify="restic check -q --read-data -r $STORE",
        checkout="restic restore latest -q -r $STORE --target $OUT",
        push_init="restic init -q -r $REMOTE --from-repo $STORE --copy-chunker-params",
        push="restic copy -q -r $REMOTE --from-repo $STORE",
        variables={"RESTIC_PASSWORD": "x", "RESTIC_FROM_PASSWORD": "x"},
    ),
    Tool(
        name="borg",
        program="borg",
        version="borg --version",
        init="borg init -e none $STORE",
        commit="borg create $STORE::$V data",
        status="borg create $STORE::status-$V data",
        verify="borg check --verify-data $STORE",
        checkout="mkdir $OUT && cd $OUT"
        " && borg extract $STORE::$(borg list --short --last 1 $STORE)",
    ),
    Tool(
        name="git",
        program="git",
        version="git --version",
        init=GIT + "true",
        commit=_GIT_COMMIT,
        status="git status --porcelain",
        verify="git fsck --full --no-progress",
        checkout="git clone -q $TREE $OUT",
        push_init="git init -q --bare $REMOTE",
        push="git push -q $REMOTE HEAD:main",
        holds=("tree/.git",),
        touches=True,
        corpora=("docs",),
    ),
    Tool(
        name="git-lfs",
        program="git-lfs",
        version="git lfs version",
        init=GIT + "git lfs install --local && git lfs track 'data/**'",
        commit=_GIT_COMMIT,
        status="git status --porcelain",
        verify="git lfs fsck",
        checkout="git clone -q $TREE $OUT && cd $OUT && git lfs install --local && git lfs pull",
        push_init="git init -q --bare $REMOTE && git remote add $R file://$REMOTE",
        push="git push -q $R HEAD:main",
        holds=("tree/.git",),
        touches=True,
        corpora=("shards",),
    ),
    _DVC,
    Tool(
        **{
            **vars(_DVC),
            "name": "dvc, hard links",
            "init": f"{_DVC.init} && dvc config {_LINKS}",
            "checkout": _DVC.checkout.replace(
                " && dvc checkout", f" && dvc config --local {_LINKS} && dvc checkout"
            ),
            "corpora": ("shards",),
        }
    ),
    Tool(
        name="b3sum",
        program="b3sum",
        version="b3sum --version",
        init="mkdir $STORE",
        commit="find data -type f -print0 | xargs -0 b3sum > $STORE/sums",
        data="b3sum --check --quiet $STORE/sums",
        holds=(),
        corpora=("docs", "shards"),
    ),
    Tool(
        name="model-signing",
        program="model_signing",
        version="model_signing --version",
        init="mkdir $STORE && openssl ecparam -name prime256v1 -genkey -noout -out $STORE/key"
        " && openssl ec -in $STORE/key -pubout -out $STORE/key.pub",
        commit=f"{_SIGNING} sign data $STORE",
        data=f"{_SIGNING} verify data $STORE",
        holds=(),
        corpora=("docs", "shards"),
    ),
)


class Desk:
    """A tool at work on one corpus, in a folder of its own."""

    def __init__(self, tool: Tool, base: Path, program: Path) -> None:
        self.tool = tool
        self.base = base
        self.tree = base / "tree"
        self.store = base / "store"
        path = os.pathsep.join([str(program.parent), os.environ.get("PATH", os.defpath)])
        person = {
            f"GIT_{who}_{what}": f"bench{end}"
            for who in ("AUTHOR", "COMMITTER")
            for what, end in (("NAME", ""), ("EMAIL", "@example.org"))
        }
        self.env = environment(
            base / "home",
            PATH=path,
            TREE=str(self.tree),
            STORE=str(self.store),
            OUT=str(base / "out"),
            REMOTE=str(base / "remote"),
            GIT_CONFIG_GLOBAL="/dev/null",
            RESTIC_CACHE_DIR=str(base / "cache"),
            BORG_BASE_DIR=str(base / "cache"),
            DVC_SITE_CACHE_DIR=str(base / "cache"),
            **person,
            **tool.variables,
        )

    def line(self, operation: str) -> str:
        """Return the line of shell of an operation, with its label filled in."""
        return str(getattr(self.tool, operation))

    @property
    def holds(self) -> list[Path]:
        """The folders of the tool's store."""
        return [self.base / place for place in self.tool.holds]


def find(given: dict[str, Path]) -> dict[str, tuple[Path, str]]:
    """Return program and version of each tool that is installed.

    Args:
        given: Programs, or virtual environments, by the name of a tool, before the PATH.
    """
    found = {}
    for tool in TOOLS:
        named = given.get(tool.name.partition(",")[0])
        place = named / "bin" / tool.program if named and named.is_dir() else named
        if tool.name == "lyrikstore" and place is None:
            place = Path(sys.executable).parent / tool.program
        if place is None:
            known = shutil.which(tool.program)
            place = Path(known) if known else None
        if place is None or not place.exists():
            continue
        packages = place.parent.parent / "lib"
        if place.parent.parent != Path("/usr") and (place.parent.parent / "pyvenv.cfg").exists():
            compileall.compile_dir(packages, quiet=2, workers=0)
        path = os.pathsep.join([str(place.parent), os.environ.get("PATH", os.defpath)])
        sample = run(tool.version, cwd=HERE, env=environment(Path("/nonexistent"), PATH=path))
        lines = sample.out.decode(errors="replace").strip().splitlines()
        found[tool.name] = place, lines[0] if lines and not sample.code else "version unknown"
    return found
