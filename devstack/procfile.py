"""The Procfile: which processes make up the shop, one line each."""

import re
from dataclasses import dataclass
from pathlib import Path

RELEASE = "release"
_LINE = re.compile(r"(?P<name>[A-Za-z0-9_-]+):\s*(?P<command>\S.*)")


@dataclass(frozen=True)
class Line:
    """One process: a name and the shell command that becomes it."""

    name: str
    command: str


class BadProcfile(Exception):
    """A line that is no `name: command`, or a name given twice."""


def read_procfile(path: Path) -> list[Line]:
    """The lines in their order; blank lines and `#` comments are skipped. Raises `BadProcfile`."""
    lines: list[Line] = []
    for number, text in enumerate(path.read_text().splitlines(), start=1):
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(text.strip())
        if found is None:
            raise BadProcfile(f"{path.name}:{number}: expected `name: command`, got {text!r}")
        if any(line.name == found["name"] for line in lines):
            raise BadProcfile(f"{path.name}:{number}: a second {found['name']!r}")
        lines.append(Line(found["name"], found["command"]))
    return lines
