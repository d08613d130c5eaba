"""Becomes another program that ends when its parent does: ``python child.py PARENT PROGRAM ...``. Standard library only.

A supervisor killed with SIGKILL cannot stop its children; on Linux the kernel tells them. Elsewhere the next start finds them.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: str, program: str, *arguments: str) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):  # it died before the line above
        sys.exit(1)
    os.execv(program, [program, *arguments])


if __name__ == "__main__":
    main(*sys.argv[1:])
