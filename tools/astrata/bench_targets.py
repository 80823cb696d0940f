"""What the system is to reach beside Linux: a part of what the same operation costs there, for each metric of
tests/benchmarks/linux_calls.c and of the strate `benchmark`."""
from __future__ import annotations

from typing import NamedTuple


class Target(NamedTuple):
    """Ratios to Linux: with the personality hosted in the kernel (must, stretch; must in wall time), and in user mode (must)."""
    metric: str
    hosted: float
    stretch: float
    hosted_wall: float
    user: float


CALLS = [
    Target("null_syscall", 0.33, 0.18, 0.33, 1.6),
    Target("clock_gettime", 0.8, 0.5, 0.9, 0.8),
    Target("read_zero_1", 0.33, 0.2, 0.35, 1.1),
    Target("write_null_1", 0.33, 0.2, 0.35, 1.1),
    Target("pread_4k", 0.5, 0.35, 0.35, 0.8),
    Target("pread_64k", 0.65, 0.45, 0.5, 0.75),
    Target("open_close", 0.35, 0.2, 0.35, 0.5),
    Target("stat", 0.35, 0.22, 0.35, 0.5),
    Target("pipe_self", 0.35, 0.2, 0.35, 0.6),
    Target("pipe_rt_proc", 0.25, 0.12, 0.3, 0.4),
    Target("futex_wake_none", 0.35, 0.25, 0.35, 0.35),
    Target("futex_rt_thread", 0.25, 0.12, 0.25, 0.3),
    Target("unix_rt_proc", 0.25, 0.12, 0.25, 0.35),
    Target("epoll_eventfd_self", 0.4, 0.22, 0.4, 0.7),
    Target("epoll_eventfd_rt_thread", 0.3, 0.15, 0.3, 0.5),
    Target("yield_switch_proc", 0.25, 0.13, 0.4, 0.25),
    Target("pipe_bulk_64k", 0.5, 0.3, 0.5, 0.6),
    Target("fork_exit_wait", 0.35, 0.18, 0.35, 0.45),
    Target("fork_exit_wait_16m", 0.15, 0.04, 0.15, 0.15),
    Target("posix_spawn_wait", 0.35, 0.2, 0.35, 0.45),
    Target("vfork_exec_wait", 0.35, 0.2, 0.35, 0.45),
    Target("fork_exec_wait", 0.35, 0.2, 0.35, 0.45),
    Target("thread_create_join", 0.25, 0.12, 0.25, 0.3),
    Target("mmap_munmap", 0.15, 0.07, 0.15, 0.25),
    Target("mmap_touch_munmap_1", 0.2, 0.1, 0.15, 0.25),
    Target("mmap_touch_munmap_256", 0.3, 0.13, 0.25, 0.35),
    Target("anon_fault", 0.35, 0.18, 0.25, 0.35),
    Target("cow_fault", 0.4, 0.2, 0.3, 0.4),
    Target("file_map_fault", 0.6, 0.3, 0.6, 1.0),
    Target("mprotect_1", 0.15, 0.07, 0.15, 0.2),
    Target("signal_deliver", 0.35, 0.2, 0.2, 0.5),
    Target("create_write4k_unlink_tmpfs", 0.35, 0.18, 0.4, 0.45),
    Target("seq_write_16m", 0.5, 0.3, 0.5, 0.6),
    Target("seq_read_16m", 0.6, 0.35, 0.5, 0.7),
    Target("getdents_1000", 0.4, 0.2, 0.4, 0.45),
]
# The same work on the same machine: how far apart the two systems' figures may be before wall times mean nothing.
YARDSTICKS = ("alu_xorshift", "memcpy_16k")
YARDSTICK_TOLERANCE = 0.1


class Primitive(NamedTuple):
    """Instructions of a primitive of the kernel's own: what seL4 takes in the same QEMU, and our must and stretch."""
    metric: str
    sel4: float | None
    must: float | None
    stretch: float | None


NATIVE = [
    Primitive("null_syscall_native", None, 100, 60),
    Primitive("ipc_round_trip_0_words", 395, 395, 300),
    Primitive("ipc_round_trip_4_words", 395, 395, 300),
    Primitive("ipc_round_trip_10_words", 1572, 500, 380),
    Primitive("ipc_round_trip_same_space", 391, 300, 150),
    Primitive("timer_wakes_thread", None, None, None),
    Primitive("interrupt_to_driver", 355, 355, 250),
    Primitive("signal_waiting_thread", 509, 400, 250),
    Primitive("pager_round_trip", 1303, 800, 500),
    Primitive("map_page", 714, 400, 250),
    Primitive("map_page_in_batch", 698, 100, 40),
    Primitive("yield_between_threads", 268, 200, 120),
]
