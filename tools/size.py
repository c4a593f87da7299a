"""Count the lines with code: no blank lines, no comments, no docstrings, no tests.

    make size                   the table of this commit
    make size SINCE=COMMIT      beside that of another commit

Counted are the library, the command line, and the sources of the page. Modules of the page that are
generated are left out; data files are not code.
"""

from __future__ import annotations

import argparse
import ast
import io
import subprocess
import tokenize
from collections import Counter

from pygments.lexers import JavascriptLexer, TypeScriptLexer
from pygments.token import Comment, Whitespace

PYTHON = ("lyrikstore/", "cli/")
PAGE = "page/"
SCRIPTS = (".js", ".mjs", ".ts")
NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


def lines_of_python(source: str) -> int:
    """How many lines of a Python module hold code."""
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if first is not None and ast.get_docstring(node, clean=False) is not None:
                lines -= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return len(lines)


def lines_of_script(source: str, *, typed: bool) -> int:
    """How many lines of a JavaScript or TypeScript module hold code."""
    lexer = TypeScriptLexer() if typed else JavascriptLexer()
    lines, line = set(), 1
    for kind, text in lexer.get_tokens(source):
        for at, part in enumerate(text.split("\n")):
            line += at > 0
            if part.strip() and kind not in Comment and kind not in Whitespace:
                lines.add(line)
    return len(lines)


def _git(*arguments: str) -> str:
    return subprocess.run(("git", *arguments), check=True, capture_output=True, text=True).stdout


def _package(path: str) -> str:
    parts = path.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else f"{parts[0]}/"


def _is_made(path: str) -> bool:
    return "/test" in path or "/generated/" in path or path.endswith(".d.ts")


def sizes(commit: str) -> Counter[str]:
    """How many lines of code each package has at a commit."""
    found: Counter[str] = Counter()
    for path in _git("ls-tree", "-r", "--name-only", commit).splitlines():
        if path.startswith(PYTHON) and path.endswith((".py", ".pyi")):
            found[_package(path)] += lines_of_python(_git("show", f"{commit}:{path}"))
        elif path.startswith(PAGE) and path.endswith(SCRIPTS) and not _is_made(path):
            source = _git("show", f"{commit}:{path}")
            found[PAGE] += lines_of_script(source, typed=path.endswith(".ts"))
    return found


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--since", help="a commit to compare with")
    since = asked.parse_args().since
    now = sizes("HEAD")
    before = sizes(since) if since else now
    print(f"{'package':<26}{'before':>8}{'now':>8}{'change':>8}" if since else "lines with code")
    for name in sorted(now.keys() | before.keys()):
        shown = f"{before[name]:>8}{now[name]:>8}{now[name] - before[name]:>+8}"
        print(f"{name:<26}{shown if since else now[name]}")
    old, new = before.total(), now.total()
    print(f"{'all':<26}{f'{old:>8}{new:>8}{new - old:>+8}' if since else new}")


if __name__ == "__main__":
    main()
