"""The filter, run by a small interpreter of its instructions: what it decides for each call."""

import errno
import struct

import pytest

from gptoss.tools.python import seccomp

ALLOWED = "allowed"
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


def decide(program: bytes, number: int, architecture: int, argument: int = 0) -> int | str:
    """What the kernel would do: `ALLOWED` or the error that the call fails with."""
    data = {0: number, 4: architecture, 16: argument}
    instructions = list(struct.iter_unpack("=HBBI", program))
    accumulator, place = 0, 0
    while True:
        code, if_true, if_false, value = instructions[place]
        place += 1
        if code == 0x20:
            accumulator = data[value]
        elif code == 0x06:
            return ALLOWED if value == 0x7FFF0000 else value - 0x00050000
        else:
            true = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[code]
            place += if_true if true else if_false


@pytest.mark.parametrize("machine", MACHINES)
def test_decides_as_it_says(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    column, architecture = MACHINES[machine]
    program = seccomp.build_filter()
    assert program is not None
    forbidden = {numbers[column] for numbers in seccomp._FORBIDDEN.values()}
    special = {seccomp._CLONE[column], seccomp._CLONE3[column], seccomp._SOCKET[column]}
    for number in range(500):
        if number not in special:
            expected = errno.EPERM if number in forbidden else ALLOWED
            assert decide(program, number, architecture) == expected, number
    clone, socket = seccomp._CLONE[column], seccomp._SOCKET[column]
    assert decide(program, seccomp._CLONE3[column], architecture) == errno.ENOSYS
    assert decide(program, clone, architecture, 0x01200011) == ALLOWED  # fork
    assert decide(program, clone, architecture, 0x003D0F00) == ALLOWED  # a thread
    for bit in (17, 25, 26, 27, 28, 29, 30):
        assert decide(program, clone, architecture, 1 << bit | 0x11) == errno.EPERM
    for family in range(50):
        expected = ALLOWED if family in (1, 2, 10, 16) else errno.EAFNOSUPPORT
        assert decide(program, socket, architecture, family) == expected


@pytest.mark.parametrize("machine", MACHINES)
def test_other_ways_to_call_the_kernel_are_closed(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    program = seccomp.build_filter()
    assert program is not None
    _, architecture = MACHINES[machine]
    assert decide(program, 1, 0x40000003) == errno.EPERM  # 32-bit calls
    assert decide(program, 0x40000000 | 1, architecture) == errno.EPERM


def test_an_unknown_machine_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert seccomp.build_filter() is None
