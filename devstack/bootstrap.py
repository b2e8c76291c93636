"""From a fresh clone to a running command: `python3 devstack/bootstrap.py [--dev] -- arguments…`.

Makes `.venv`, installs the pinned requirements when they or the interpreter changed, then becomes
`.venv/bin/python arguments…`. Standard library only, and readable by older Pythons, so that they
can say what is missing.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
import venv
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
OLDEST, NEWEST = (3, 11), (3, 13)
UV = "uv==0.13.9"
RUN_FILES = ("requirements.txt", "requirements-devstack.txt")
DEV_FILES = (*RUN_FILES, "requirements-dev.txt")
_PROBE = "import sys; print(sys.implementation.name, *sys.version_info[:3], sep='.')"


class Refused(Exception):
    """What keeps the environment from being made, as one line for a person."""


def main(arguments: list[str]) -> int:
    """Prepare the environment and become the command; returns only when that is impossible."""
    if "--" not in arguments or set(arguments[: arguments.index("--")]) - {"--dev"}:
        print("usage: bootstrap.py [--dev] -- ARGUMENTS FOR PYTHON …", file=sys.stderr)
        return 2
    try:
        python = suitable_python()
        if python != sys.executable:
            _become([python, __file__, *arguments])
        files = DEV_FILES if arguments[0] == "--dev" else RUN_FILES
        with _one_at_a_time(ROOT / ".devstack/bootstrap.lock"):
            python = str(prepare(ROOT, files))
    except Refused as refusal:
        print(f"cartwright: {refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    os.environ["PATH"] = os.pathsep.join((str(Path(python).parent), os.environ.get("PATH", "")))
    os.chdir(ROOT)
    return _become([python, *arguments[arguments.index("--") + 1 :]])


def suitable_python() -> str:
    """This interpreter when its version fits, else a fitting one on PATH."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found is not None and is_supported(interpreter_of(Path(found))):
            return found
    here, oldest, newest = map(_dotted, (sys.version_info[:2], OLDEST, NEWEST))
    raise Refused(
        f"needs Python {oldest} to {newest}, this is {here} "
        f"and no other is on PATH: install one, or name it: make PYTHON=/path/to/python3 …"
    )


def interpreter_of(python: Path) -> str | None:
    """Implementation and version of an interpreter, `cpython.3.11.7`; None when it does not run."""
    try:
        answer = subprocess.run(
            [str(python), "-I", "-c", _PROBE], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def is_supported(interpreter: str | None) -> bool:
    """Whether the pinned requirements were resolved for this interpreter's version."""
    if interpreter is None:
        return False
    major, minor = interpreter.split(".")[1:3]
    return OLDEST <= (int(major), int(minor)) <= NEWEST


def prepare(root: Path, files: Sequence[str]) -> Path:
    """The interpreter of `root/.venv` with everything the files name installed."""
    python = root / ".venv/bin/python"
    interpreter = interpreter_of(python)
    if interpreter is None or not is_supported(interpreter):
        _make_environment(root / ".venv")
        interpreter = interpreter_of(python)
    if interpreter is None:
        raise Refused(f"{python} was made but does not run: remove {root / '.venv'} and try again.")
    stamp = root / ".venv/.stamp"
    wanted = {name: fingerprint(root / name, interpreter) for name in files}
    installed = _read_stamp(stamp)
    if any(installed.get(name) != mark for name, mark in wanted.items()):
        _install(python, [root / name for name in files])
        # Others' marks stay: what they name was installed once and is pinned alike.
        stamp.write_text(json.dumps({**installed, **wanted}, indent=1))
    return python


def fingerprint(requirements: Path, interpreter: str) -> str:
    """What an installation depends on: the pinned file and the interpreter it went into."""
    try:
        pinned = requirements.read_bytes()
    except FileNotFoundError:
        raise Refused(f"{requirements} is missing: the clone is not whole.") from None
    return hashlib.sha256(pinned + interpreter.encode()).hexdigest()


def _read_stamp(stamp: Path) -> dict[str, str]:
    try:
        marks = json.loads(stamp.read_text())
    except (OSError, ValueError):
        return {}
    return marks if isinstance(marks, dict) else {}


def _make_environment(folder: Path) -> None:
    version = _dotted(sys.version_info[:2])
    if importlib.util.find_spec("ensurepip") is None:
        raise Refused(
            f"Python {version} came without venv: install it (Debian, Ubuntu: "
            f"apt install python{version}-venv) and try again."
        )
    with _told(f"making .venv with Python {version}"):
        try:
            venv.EnvBuilder(with_pip=True, clear=True, symlinks=True).create(folder)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Refused(f"cannot make {folder}: {error}") from error


def _install(python: Path, files: Sequence[Path]) -> None:
    arguments = [word for file in files for word in ("-r", str(file))]
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    names = ", ".join(file.name for file in files)
    if not _runs([str(python), "-m", "pip", "--version"]):
        _run([str(python), "-m", "ensurepip", "--upgrade"])
    with _told(f"installing {names}"):
        if _has_uv(python) or _run([*pip, UV]):
            uv = [str(python), "-m", "uv", "pip", "install", "-q", "--python", str(python)]
            # The machine's own certificates, as pip uses them: companies have proxies.
            if _run([*uv, "--system-certs", *arguments]):
                return
            print("cartwright: uv could not; trying pip, which takes longer", flush=True)
        if not _run([*pip, *arguments]):
            raise Refused(f"could not install {names}: see the lines above (is there a network?).")


def _has_uv(python: Path) -> bool:
    version = UV.partition("==")[2]
    answer = subprocess.run(
        [str(python), "-m", "uv", "--version"], capture_output=True, text=True, check=False
    )
    return answer.stdout.split()[1:2] == [version]


def _runs(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _run(command: Sequence[str]) -> bool:
    return subprocess.run(command, check=False).returncode == 0


@contextmanager
def _told(what: str) -> Iterator[None]:
    began = time.monotonic()
    print(f"cartwright: {what} …", flush=True)
    yield
    print(f"cartwright: {what}: done in {time.monotonic() - began:.1f} s", flush=True)


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Hold the lock file; `make up` and `make test` started together install once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("cartwright: waiting for another installation to finish …", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _become(command: list[str]) -> NoReturn:
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606  a list of words, no shell


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(str(part) for part in version)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
