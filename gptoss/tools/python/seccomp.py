"""A filter of system calls, as a program that the kernel runs (seccomp, BPF).

The namespaces of the sandbox confine files, processes and the network. The filter closes what they leave open: sockets
that no network namespace confines (such as those between a virtual machine and its host), key rings, tracing, new user
namespaces, and calls with a history of faults that code in a notebook has no use for.
"""

import errno
import platform
import struct

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in the kernel's struct seccomp_data
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_X32 = 0x40000000
"""System calls of x86-64 in another guise have this bit."""

_NEW_NAMESPACES = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""
_FAMILIES = (1, 2, 10, 16)
"""AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK, which lists network interfaces: what the namespaces confine."""

# name: (x86-64, AArch64)
_FORBIDDEN = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setns": (308, 268),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
_CLONE, _CLONE3, _SOCKET = (56, 220), (435, 435), (41, 198)
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


def build_filter() -> bytes | None:
    """The program for this machine; None on a processor for which there is none."""
    if platform.machine() not in _MACHINES:
        return None
    column, architecture = _MACHINES[platform.machine()]
    allow, refuse = _fall(_RETURN, _ALLOW), _fall(_RETURN, _FAIL | errno.EPERM)
    program = [
        *(_fall(_LOAD, _ARCHITECTURE), _jump(_EQUAL, architecture, 1, 0), refuse),
        *(_fall(_LOAD, _NUMBER), _jump(_AT_LEAST, _X32, 0, 1), refuse),
    ]
    for numbers in _FORBIDDEN.values():
        program += [_jump(_EQUAL, numbers[column], 0, 1), refuse]
    # Its flags are out of a filter's sight; C libraries fall back to clone.
    program += [_jump(_EQUAL, _CLONE3[column], 0, 1), _fall(_RETURN, _FAIL | errno.ENOSYS)]
    program += [
        *(_jump(_EQUAL, _CLONE[column], 0, 4), _fall(_LOAD, _FIRST_ARGUMENT)),
        *(_jump(_ANY_BIT, _NEW_NAMESPACES, 0, 1), refuse, allow),
    ]
    program += [
        *(_jump(_EQUAL, _SOCKET[column], 0, 3 + len(_FAMILIES)), _fall(_LOAD, _FIRST_ARGUMENT)),
        *(_jump(_EQUAL, family, len(_FAMILIES) - index, 0) for index, family in enumerate(_FAMILIES)),
        *(_fall(_RETURN, _FAIL | errno.EAFNOSUPPORT), allow),
    ]
    return b"".join((*program, allow))


def _fall(code: int, value: int) -> bytes:
    return _jump(code, value, 0, 0)


def _jump(code: int, value: int, if_true: int, if_false: int) -> bytes:
    """One instruction; the jumps count the instructions to skip."""
    return struct.pack("=HBBI", code, if_true, if_false, value)
