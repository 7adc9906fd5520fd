"""System calls that a sandboxed kernel does without.

The first four make memory that belongs to no process and to no file system: neither a limit nor
the watchdog would see it. The others are for programs that no notebook is, and have led out of
sandboxes before; with the last three a kernel could use the grader's own keys. To the notebook's
code it is as if this system had none of them.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

MACHINES = ("x86_64", "aarch64")  # whose numbers stand in the columns below
AUDIT = (0xC000003E, 0xC00000B7)  # how the kernel calls them, linux/audit.h
CALLS = {
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
}
MMAP = (9, 222)
SHARED = 0x21  # MAP_SHARED | MAP_ANONYMOUS: memory that is unseen, too, while nobody touches it
X32 = 0x40000000  # x86's second set of numbers for the same calls begins here

NUMBER, MACHINE, FLAGS = 0, 4, 16 + 3 * 8  # where seccomp_data has them; mmap's flags come fourth
LOAD, AND, EQUAL, AT_LEAST, RETURN = 0x20, 0x54, 0x15, 0x35, 0x06  # of linux/filter.h
KILL, REFUSE, ALLOW = 0x80000000, 0x00050000, 0x7FFF0000  # of linux/seccomp.h
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2


def give_up() -> None:
    """Refuse these calls from now on, to this thread and all that it starts.

    OSError where the system cannot; no_new_privs has to be set.
    """
    if platform.machine() not in MACHINES:
        return
    code = program(MACHINES.index(platform.machine()))
    held = ctypes.create_string_buffer(code)
    header = struct.pack("@HP", len(code) // 8, ctypes.addressof(held))  # a sock_fprog
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, f"system calls cannot be refused: {os.strerror(number)}")


def program(column: int) -> bytes:
    """The filter, for the kernel's virtual machine: eight bytes for each instruction."""
    no_such, no_memory = REFUSE | errno.ENOSYS, REFUSE | errno.ENOMEM
    lines = [(LOAD, 0, 0, MACHINE), (EQUAL, 1, 0, AUDIT[column]), (RETURN, 0, 0, KILL)]
    lines += [(LOAD, 0, 0, NUMBER), (AT_LEAST, 0, 1, X32), (RETURN, 0, 0, KILL)]
    for numbers in CALLS.values():
        lines += [(EQUAL, 0, 1, numbers[column]), (RETURN, 0, 0, no_such)]
    lines += [(EQUAL, 1, 0, MMAP[column]), (RETURN, 0, 0, ALLOW)]
    lines += [(LOAD, 0, 0, FLAGS), (AND, 0, 0, SHARED)]
    lines += [(EQUAL, 0, 1, SHARED), (RETURN, 0, 0, no_memory), (RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
