"""Confinement of the decoder process, which needs no network, files or other processes.

The decoder runs FFmpeg on untrusted files. Before reading the first byte it enters three
confinements of Linux: an empty network namespace, Landlock without a path, and a seccomp filter of
the few system calls that decoding needs. Descriptors that are open stay usable. Kernels and
containers may lack any of the three; `confine` returns the missing ones.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

NAMESPACE, LANDLOCK, SECCOMP = "network namespace", "Landlock", "seccomp"
ALL = (NAMESPACE, LANDLOCK, SECCOMP)

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2

# Landlock's system calls have the same numbers on all architectures.
_LANDLOCK_CREATE_RULESET, _LANDLOCK_RESTRICT_SELF, _LANDLOCK_VERSION = 444, 446, 1
# Rights on files, TCP ports, and outside processes and sockets, by version of Landlock's ABI.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}  # version: number of bits
_TCP_ABI, _TCP_RIGHTS = 4, 0b11
_SCOPE_ABI, _SCOPES = 6, 0b11

# Offsets in struct seccomp_data, and the size of an argument.
_NUMBER, _ARCHITECTURE, _ARGUMENT, _WORD = 0, 4, 16, 8
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
_X32 = 0x40000000  # first number of the x32 ABI
_PROT_EXEC = 4

# The kernel's number of the architecture and of the allowed system calls: those of the allocator,
# of Python's signals, and reads and writes of open descriptors.
_X86_64 = (
    0xC000003E,
    {
        "read": 0,
        "write": 1,
        "close": 3,
        "fstat": 5,
        "lseek": 8,
        "brk": 12,
        "rt_sigaction": 13,
        "rt_sigprocmask": 14,
        "rt_sigreturn": 15,
        "pread64": 17,
        "pwrite64": 18,
        "readv": 19,
        "writev": 20,
        "sched_yield": 24,
        "mremap": 25,
        "madvise": 28,
        "munmap": 11,
        "getpid": 39,
        "exit": 60,
        "ftruncate": 77,
        "gettimeofday": 96,
        "sigaltstack": 131,
        "gettid": 186,
        "futex": 202,
        "restart_syscall": 219,
        "clock_gettime": 228,
        "exit_group": 231,
        "getrandom": 318,
    },
    {"mmap": 9, "mprotect": 10},
    {"tgkill": 234},
)
_AARCH64 = (
    0xC00000B7,
    {
        "ftruncate": 46,
        "close": 57,
        "lseek": 62,
        "read": 63,
        "write": 64,
        "readv": 65,
        "writev": 66,
        "pread64": 67,
        "pwrite64": 68,
        "fstat": 80,
        "exit": 93,
        "exit_group": 94,
        "futex": 98,
        "clock_gettime": 113,
        "restart_syscall": 128,
        "sched_yield": 124,
        "sigaltstack": 132,
        "rt_sigaction": 134,
        "rt_sigprocmask": 135,
        "rt_sigreturn": 139,
        "gettimeofday": 169,
        "getpid": 172,
        "gettid": 178,
        "brk": 214,
        "munmap": 215,
        "mremap": 216,
        "madvise": 233,
        "getrandom": 278,
    },
    {"mmap": 222, "mprotect": 226},
    {"tgkill": 131},
)
_SYSTEM_CALLS = {"x86_64": _X86_64, "aarch64": _AARCH64}


def confine() -> tuple[str, ...]:
    """Confine this process irrevocably and return the parts of ALL that failed.

    All needed modules must be imported and all files open. The process must have one thread.
    """
    if sys.platform != "linux" or sys.maxsize < 2**32:  # 32-bit system calls have other numbers
        return ALL
    library = ctypes.CDLL(None, use_errno=True)
    attempts = {NAMESPACE: _leave_network, LANDLOCK: _give_up_files, SECCOMP: _filter_calls}
    # Landlock and seccomp require this of a process that is not root.
    if library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        del attempts[LANDLOCK], attempts[SECCOMP]
    done = {name for name, attempt in attempts.items() if attempt(library)}
    return tuple(name for name in ALL if name not in done)


def _leave_network(library: ctypes.CDLL) -> bool:
    return not library.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def _give_up_files(library: ctypes.CDLL) -> bool:
    call = library.syscall
    call.restype = ctypes.c_long
    abi = call(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), _LANDLOCK_VERSION)
    if abi < 1:
        return False
    bits = max(count for since, count in _FILE_RIGHTS.items() if since <= abi)
    attributes = [(1 << bits) - 1]
    if abi >= _TCP_ABI:
        attributes.append(_TCP_RIGHTS)
    if abi >= _SCOPE_ABI:
        attributes.append(_SCOPES)
    packed = struct.pack(f"={len(attributes)}Q", *attributes)
    ruleset = call(_LANDLOCK_CREATE_RULESET, packed, ctypes.c_size_t(len(packed)), 0)
    if ruleset < 0:
        return False
    try:
        # No rule is added, so the handled rights are refused for all paths.
        return not call(_LANDLOCK_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


class _Program(ctypes.Structure):
    """C structure `sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _filter_calls(library: ctypes.CDLL) -> bool:
    if platform.machine() not in _SYSTEM_CALLS:
        return False
    program = _program(platform.machine(), os.getpid())
    held = _Program(len(program) // 8, program)
    return not library.prctl(
        _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(held), ctypes.c_ulong(0), 0
    )


def _program(machine: str, process: int) -> bytes:
    """Return the filter program.

    It allows the listed system calls, memory that is not executable, and signals to `process`. All
    else fails with EPERM.
    """
    architecture, plain, memory, signals = _SYSTEM_CALLS[machine]
    lines = [
        _line(_LOAD, _ARCHITECTURE),
        _line(_EQUAL, architecture, 1, 0),
        _line(_RETURN, _REFUSE),
        _line(_LOAD, _NUMBER),
        _line(_AT_LEAST, _X32, 0, 1),
        _line(_RETURN, _REFUSE),
    ]
    for number in plain.values():
        lines += [_line(_EQUAL, number, 0, 1), _line(_RETURN, _ALLOW)]
    for numbers, argument, test, value in (
        (memory, 2, _ANY_BIT, _PROT_EXEC),
        (signals, 0, _EQUAL, process),
    ):
        # A true test refuses memory calls and allows signals.
        true, false = (_REFUSE, _ALLOW) if test == _ANY_BIT else (_ALLOW, _REFUSE)
        for number in numbers.values():
            lines += [
                _line(_EQUAL, number, 0, 4),
                _line(_LOAD, _ARGUMENT + _WORD * argument),
                _line(test, value, 0, 1),
                _line(_RETURN, true),
                _line(_RETURN, false),
            ]
    return b"".join([*lines, _line(_RETURN, _REFUSE)])


def _line(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """Return a C structure `sock_filter`. The jumps are numbers of skipped lines."""
    return struct.pack("=HBBI", code, if_true, if_false, value)
