"""Become a program that ends with its parent: `leash.py PARENT SIGNAL USER:GROUP -- program …`.

Run as a script, by the interpreter alone (`-I -S`). Linux only keeps the promise (`prctl(2)`,
PR_SET_PDEATHSIG); elsewhere the program is started without it and the next start finds the orphan.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Drop to the user asked for, tie this process to its parent, then become the program."""
    parent, signal, owner, _, *program = arguments
    if owner:
        user, group = (int(number) for number in owner.split(":"))
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)
    if sys.platform == "linux":
        # After the change of user: the kernel forgets the signal whenever credentials change.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal))
        if os.getppid() != int(parent):  # the parent died before the leash was on
            os._exit(1)
    try:
        os.execvp(program[0], program)  # noqa: S606  this is what the script is for
    except OSError as error:
        os.write(2, f"{program[0]}: {error.strerror}\n".encode())
        os._exit(127)


if __name__ == "__main__":
    main(sys.argv[1:])
