"""Starts one server as a child that cannot outlive its parent. Run as a script, with the standard library only.

    launch.py PARENT_PID SIGNAL USER COMMAND [ARGUMENT…]

SIGNAL is sent by the kernel when the parent dies (Linux). USER is `-` to stay who we are; Postgres refuses to run as
root, so under root it becomes that user, which then owns its data.
"""

import ctypes
import os
import pwd
import sys

_PR_SET_PDEATHSIG, _PR_SET_SECUREBITS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 1, 28, 47, 2
_NO_SETUID_FIXUP, _CAPABILITY_VERSION_3, _CAP_DAC_OVERRIDE = 4, 0x20080522, 1


def main(arguments: list[str]) -> None:
    parent, signal, user, *command = arguments
    linux = ctypes.CDLL(None) if sys.platform == "linux" else None
    if user != "-":
        _become(user, linux)
    if linux:
        linux.prctl(_PR_SET_PDEATHSIG, int(signal), 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit(f"The parent {parent} ended before its child started.")
    os.execv(command[0], command)


def _become(name: str, linux: ctypes.CDLL | None) -> None:
    user = pwd.getpwnam(name)
    keeping = linux and linux.prctl(_PR_SET_SECUREBITS, _NO_SETUID_FIXUP, 0, 0, 0) == 0
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    if linux and keeping:
        _keep_passing_private_folders(linux)


def _keep_passing_private_folders(linux: ctypes.CDLL) -> None:
    """Programs and data may lie below a folder that only root may enter (/root, a private temporary folder).

    Of root's capabilities one is kept, so that the child can pass and no folder's permissions need to be opened for
    everybody. Where root itself lacks it (a hardened container), none is kept and the folders have to be reachable.
    """
    if _hold(linux, 1 << _CAP_DAC_OVERRIDE):
        linux.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)
    elif not _hold(linux, 0):
        sys.exit("The capabilities of root could not be given up.")


def _hold(linux: ctypes.CDLL, capabilities: int) -> bool:
    """Gives up every capability but these, out of the effective, permitted and inheritable set alike."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(capabilities, capabilities, capabilities, 0, 0, 0)
    return bool(linux.capset(header, sets) == 0)


if __name__ == "__main__":
    main(sys.argv[1:])
