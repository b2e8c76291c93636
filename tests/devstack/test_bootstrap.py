"""From a clone to a running command: what is made, what is kept, what is refused."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from devstack import bootstrap
from devstack.bootstrap import DEV_FILES, RUN_FILES, Refused

SCRIPT = Path(bootstrap.__file__)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone that needs no package at all, with the script in its place."""
    for name in DEV_FILES:
        (tmp_path / name).write_text("")
    (tmp_path / "devstack").mkdir()
    (tmp_path / "devstack/bootstrap.py").write_text(SCRIPT.read_text())
    return tmp_path


@pytest.fixture
def environment(clone: Path) -> Path:
    """A virtual environment that works, without a stamp; `pip` notes what it is asked for."""
    venv.EnvBuilder(with_pip=False).create(clone / ".venv")
    packages = next((clone / ".venv/lib").glob("python*/site-packages"))
    (packages / "pip.py").write_text(
        "import sys; open(sys.prefix + '/asked', 'a').write(' '.join(sys.argv[1:]) + '\\n')"
    )
    (packages / "uv.py").write_text(
        "import sys; open(sys.prefix + '/asked', 'a').write(' '.join(sys.argv[1:]) + '\\n');"
        "print('uv', '0.13.9')"
    )
    return clone / ".venv"


def test_a_working_environment_without_a_stamp_is_installed_into_and_kept(clone, environment):
    mine = environment / "mine"
    mine.touch()

    run(clone, "--", "-c", "pass")

    assert mine.exists()
    assert f"-r {clone / 'requirements.txt'}" in asked(environment)


def test_a_second_run_installs_nothing(clone, environment):
    run(clone, "--", "-c", "pass")
    (environment / "asked").unlink()

    run(clone, "--", "-c", "pass")

    assert asked(environment) == ""


def test_changed_requirements_are_installed_again(clone, environment):
    run(clone, "--", "-c", "pass")
    (environment / "asked").unlink()
    (clone / "requirements.txt").write_text("# one more line\n")

    run(clone, "--", "-c", "pass")

    assert "requirements.txt" in asked(environment)


def test_the_tests_need_more_than_the_shop(clone, environment):
    run(clone, "--", "-c", "pass")
    assert "requirements-dev.txt" not in asked(environment)

    run(clone, "--dev", "--", "-c", "pass")

    assert "requirements-dev.txt" in asked(environment)


def test_running_the_shop_after_the_tests_installs_nothing(clone, environment):
    run(clone, "--dev", "--", "-c", "pass")
    (environment / "asked").unlink()

    run(clone, "--", "-c", "pass")

    assert asked(environment) == ""


def test_the_command_runs_in_the_environment_from_the_root_of_the_clone(clone, environment):
    code = "import os, sys; print(sys.prefix, os.getcwd(), *sys.argv[1:], sep='|')"

    answer = run(clone, "--", "-c", code, "two words", "--dev")

    assert answer.stdout.splitlines()[-1] == f"{environment}|{clone}|two words|--dev"


def test_the_command_gives_the_exit_code(clone, environment):
    assert environment.exists()

    answer = run(clone, "--", "-c", "raise SystemExit(7)")

    assert answer.returncode == 7


def test_two_runs_at_once_install_once(clone, environment):
    packages = next((environment / "lib").glob("python*/site-packages"))
    slow = (packages / "uv.py").read_text() + ";import time; time.sleep(1)"
    (packages / "uv.py").write_text(slow)
    command = [sys.executable, clone / "devstack/bootstrap.py", "--", "-c", "pass"]

    runs = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(2)]
    codes = [each.wait() for each in runs]

    assert codes == [0, 0]
    assert asked(environment).count("pip install") == 1


def test_an_environment_that_does_not_run_is_made_anew(clone, environment):
    (environment / "bin/python").unlink()
    (environment / "bin/python").symlink_to(clone / "gone")

    python = bootstrap.prepare(clone, [])

    assert bootstrap.is_supported(bootstrap.interpreter_of(python))


def test_a_missing_requirements_file_is_one_clear_line(clone, environment):
    assert environment.exists()
    (clone / "requirements.txt").unlink()

    answer = run(clone, "--", "-c", "pass")

    assert answer.returncode == 1
    assert answer.stderr == (
        f"cartwright: {clone / 'requirements.txt'} is missing: the clone is not whole.\n"
    )


def test_without_a_command_the_usage_is_shown(clone):
    answer = run(clone, "up")

    assert answer.returncode == 2
    assert answer.stderr.startswith("usage: ")


@pytest.mark.parametrize("interpreter", ["cpython.3.11.0", "cpython.3.12.9", "pypy.3.13.1"])
def test_python_311_to_313_are_supported(interpreter):
    assert bootstrap.is_supported(interpreter)


@pytest.mark.parametrize("interpreter", ["cpython.3.10.14", "cpython.3.14.0", None])
def test_other_pythons_are_not(interpreter):
    assert not bootstrap.is_supported(interpreter)


def test_an_unfit_python_is_refused_in_one_line_when_there_is_no_other(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4, "final", 0))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Refused, match=r"^needs Python 3\.11 to 3\.13, this is 3\.10 ") as refusal:
        bootstrap.suitable_python()

    assert "\n" not in str(refusal.value)


def test_an_unfit_python_looks_for_a_fit_one(monkeypatch, tmp_path):
    major, minor = sys.version_info[:2]
    fit = tmp_path / f"python{major}.{minor}"
    fit.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "version_info", (3, 10, 4, "final", 0))
    monkeypatch.setenv("PATH", str(tmp_path))

    assert bootstrap.suitable_python() == str(fit)


def test_what_the_shop_needs_the_tests_need_too():
    assert set(RUN_FILES) < set(DEV_FILES)


def run(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, clone / "devstack/bootstrap.py", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def asked(environment: Path) -> str:
    notes = environment / "asked"
    return notes.read_text() if notes.exists() else ""
