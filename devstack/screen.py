"""What a person sees of `make up`: progress, the table of addresses, and lines worth reading."""

import contextlib
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_TITLES = {
    "api": "API",
    "docs": "Swagger UI",
    "flower": "Flower",
    "mail": "Mail",
    "psp": "PSP emulator",
}
_COLORS = ("cyan", "magenta", "green", "blue", "yellow", "bright_cyan", "bright_magenta")
_WORTH_READING = re.compile(
    r"(?<![%\w])(WARNING|ERROR|CRITICAL)\b|\"level\":\s*\"(warning|error|critical)\"|^Traceback "
)
_BYTES_A_ROUND = 64 * 1024  # a process that floods its log does not flood the screen


class Screen:
    """Prints for people. A terminal that went away is no reason to fail."""

    def __init__(self, *, verbose: bool = False, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._verbose = verbose
        self._read: dict[str, int] = {}
        self._colors: dict[str, str] = {}

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show that something is under way, then that it is done and how long it took."""
        began = time.monotonic()
        with self._console.status(escape(title)):
            yield
        self.say(f"[green]✓[/green] {escape(title)} [dim]{time.monotonic() - began:.1f} s[/dim]")

    def say(self, markup: str) -> None:
        """Print one line of rich markup."""
        with contextlib.suppress(OSError):
            self._console.print(markup)

    def tell(self, name: str, what: str) -> None:
        """Print one line about, or of, one process."""
        color = self._colors.setdefault(name, _COLORS[len(self._colors) % len(_COLORS)])
        self.say(f"[{color}]{escape(name):>15}[/{color}] │ {escape(what)}")

    def table(self, addresses: Mapping[str, str], logins: Mapping[str, Mapping[str, str]]) -> None:
        """The addresses and the demo logins."""
        table = Table(title="Cartwright is up", title_justify="left", show_header=False)
        for name, url in addresses.items():
            table.add_row(_TITLES[name], url)
        table.add_section()
        for role, login in logins.items():
            table.add_row(f"Login: {role}", f"{login['email']}  {login['password']}")
        with contextlib.suppress(OSError):
            self._console.print(table)

    def follow(self, logs: Mapping[str, Path]) -> None:
        """Print what came into the logs since the last call: warnings, or all when verbose."""
        for name, log in logs.items():
            for line in self._new_lines(name, log):
                if self._verbose or _WORTH_READING.search(line):
                    self.tell(name, line)

    def _new_lines(self, name: str, log: Path) -> list[str]:
        try:
            with log.open("rb") as file:
                file.seek(self._read.get(name, 0))
                text = file.read(_BYTES_A_ROUND)
        except OSError:
            return []
        whole = text if len(text) == _BYTES_A_ROUND else text[: text.rfind(b"\n") + 1]
        self._read[name] = self._read.get(name, 0) + len(whole)
        return whole.decode(errors="replace").splitlines()
