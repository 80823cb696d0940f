"""Writes trace records as a Perfetto trace (https://perfetto.dev/docs/reference/trace-packet-proto), which ui.perfetto.dev shows.

CPUs are fed by ftrace's sched_switch and sched_waking events; system calls, IPC, page faults and interrupts are track events."""
from __future__ import annotations

import struct

from astrata.trace_records import Record, Tables

# Fields of TracePacket.
PACKET, FTRACE_EVENTS, PROCESS_TREE, TIMESTAMP, SEQUENCE, TRACK_EVENT, TRACK_DESCRIPTOR = 1, 1, 2, 8, 10, 11, 60
SLICE_BEGIN, SLICE_END, INSTANT = 1, 2, 3
OUR_SEQUENCE = 1
# Track ids: a kind above the number of the thread, process or CPU.
THREAD_TRACK, PROCESS_TRACK, INTERRUPT_TRACK = (kind << 40 for kind in (1, 2, 3))
FOREIGN = "Linux: "
BUNDLE = 256  # scheduler events of one CPU that share a packet
PREVIOUS_STATES = {0: 0, 1: 1, 2: 16}  # Linux's R, S and X


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def fixed(field: int, value: int) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<Q", value & (1 << 64) - 1)


def block(field: int, contents: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(contents)) + contents


def text(field: int, value: str) -> bytes:
    return block(field, value.encode())


def annotation(name: str, value: int | str) -> bytes:
    """A DebugAnnotation of a TrackEvent."""
    return block(4, text(10, name) + (text(6, value) if isinstance(value, str) else number(3, value)))


class Names:
    """Who is who: learnt from the records as they come, so that a thread's later name does not change its past."""

    def __init__(self) -> None:
        self.processes: dict[int, str] = {}
        self.threads: dict[int, tuple[int, str]] = {0: (0, "idle")}

    def learn(self, record: Record) -> None:
        fields = record.fields
        if record.name == "process_start":
            self.processes[fields["process"]] = fields["name"]
        elif record.name == "thread_start":
            self.threads[fields["started"]] = (fields["process"], fields["name"])

    def of(self, thread: int) -> str:
        process, name = self.threads.get(thread, (0, f"thread {thread}"))
        return f"{self.processes.get(process, process)}/{name}" if process else name


class Exporter:
    """Collects packets; `data` has them all after finish()."""

    def __init__(self, tables: Tables):
        self.tables = tables
        self.names = Names()
        self.packets: list[bytes] = []
        self.bundles: dict[int, list[bytes]] = {}
        self.open: dict[int, list[str]] = {}  # slices that each thread is in, outermost first
        self.tracks: set[int] = set()

    def packet(self, contents: bytes) -> None:
        self.packets.append(block(PACKET, contents + number(SEQUENCE, OUR_SEQUENCE)))

    def export(self, records: list[Record]) -> bytes:
        # Names first: threads that ran before recording began are named at its beginning, after their first events.
        for record in records:
            self.names.learn(record)
        self.describe()
        for record in records:
            handler = getattr(self, f"on_{record.name}", None)
            if handler is not None:
                handler(record)
        for cpu in list(self.bundles):
            self.flush(cpu)
        return b"".join(self.packets)

    def describe(self) -> None:
        """Processes and threads, for both kinds of tracks. A thread of Bedrock itself is its own process."""
        tree = b""
        for process, name in self.names.processes.items():
            tree += block(1, number(1, process) + text(3, name))
            self.packet(block(TRACK_DESCRIPTOR, number(1, PROCESS_TRACK | process) +
                              block(3, number(1, process) + text(6, name))))
        for thread, (process, name) in self.names.threads.items():
            if thread == 0:
                continue
            if not process:
                tree += block(1, number(1, thread) + text(3, name))
            tree += block(2, number(1, thread) + number(3, process or thread) + text(2, name))
        self.packet(number(TIMESTAMP, 0) + block(PROCESS_TREE, tree))

    # ---- Tracks ----

    def thread_track(self, thread: int) -> int:
        track = THREAD_TRACK | thread
        if track not in self.tracks:
            self.tracks.add(track)
            process, name = self.names.threads.get(thread, (0, f"thread {thread}"))
            self.packet(block(TRACK_DESCRIPTOR, number(1, track) + block(
                4, number(1, process or thread) + number(2, thread) + text(5, name))))
        return track

    def interrupt_track(self, cpu: int) -> int:
        track = INTERRUPT_TRACK | cpu
        if track not in self.tracks:
            self.tracks.add(track)
            self.packet(block(TRACK_DESCRIPTOR, number(1, track) + text(2, f"CPU {cpu} interrupts")))
        return track

    def event(self, record: Record, track: int, kind: int, name: str = "", category: str = "", extra: bytes = b"") -> None:
        contents = number(9, kind) + number(11, track)
        if name:
            contents += text(22, category) + text(23, name)
        self.packet(number(TIMESTAMP, record.time) + block(TRACK_EVENT, contents + extra))

    def begin(self, record: Record, thread: int, name: str, category: str, extra: bytes = b"") -> None:
        self.open.setdefault(thread, []).append(name)
        self.event(record, self.thread_track(thread), SLICE_BEGIN, name, category, extra)

    def end(self, record: Record, thread: int, name: str, extra: bytes = b"") -> None:
        """Ends the slice, and those inside it whose ends were never seen. Nothing where its begin was not seen."""
        inside = self.open.get(thread, [])
        if name not in inside:
            return
        while True:
            ended = inside.pop()
            self.event(record, self.thread_track(thread), SLICE_END, extra=extra if ended == name else b"")
            if ended == name:
                return

    def scheduler(self, record: Record, event: bytes) -> None:
        bundle = self.bundles.setdefault(record.cpu, [])
        bundle.append(block(2, number(1, record.time) + number(2, record.thread) + event))
        if len(bundle) == BUNDLE:
            self.flush(record.cpu)

    def flush(self, cpu: int) -> None:
        self.packet(block(FTRACE_EVENTS, number(1, cpu) + b"".join(self.bundles.pop(cpu))))

    # ---- One for each event that shows ----

    def on_context_switch(self, record: Record) -> None:
        following = record.fields["next"]
        state = PREVIOUS_STATES.get(record.fields["state"], 0)
        self.scheduler(record, block(4, text(1, self.names.of(record.thread)) + number(2, record.thread) + number(3, 120) +
                                     number(4, state) + text(5, self.names.of(following)) + number(6, following) +
                                     number(7, 120)))

    def on_wake(self, record: Record) -> None:
        woken = record.fields["woken"]
        self.scheduler(record, block(20, text(1, self.names.of(woken)) + number(2, woken) + number(3, 120) + number(4, 1) +
                                     number(5, record.fields["target"])))

    def on_system_call_enter(self, record: Record) -> None:
        call = record.fields["number"]
        names = self.tables.call_arguments[call] if call < len(self.tables.call_arguments) else []
        extra = b"".join(annotation(name, record.fields[f"argument{i}"]) for i, name in enumerate(names))
        self.begin(record, record.thread, self.tables.call_name(call), "system call", extra)

    def on_system_call_exit(self, record: Record) -> None:
        self.end(record, record.thread, self.tables.call_name(record.fields["number"]),
                 annotation("status", record.fields["status"]))

    def on_foreign_call_enter(self, record: Record) -> None:
        call = record.fields["number"]
        name, arguments = self.tables.linux_calls.get(call, (f"call {call}", []))
        extra = b"".join(annotation(argument, record.fields[f"argument{i}"]) for i, argument in enumerate(arguments[:6]))
        self.begin(record, record.thread, FOREIGN + name, "Linux system call", extra)

    def on_foreign_call_exit(self, record: Record) -> None:
        inside = self.open.get(record.thread, [])
        name = next((name for name in reversed(inside) if name.startswith(FOREIGN)), None)
        if name is not None:
            self.end(record, record.thread, name, annotation("result", record.fields["result"]))

    def on_ipc_call(self, record: Record) -> None:
        fields = record.fields
        extra = b"".join(annotation(name, fields[name]) for name in ("endpoint", "call", "bytes"))
        self.begin(record, record.thread, "IPC call", "IPC", extra + fixed(47, flow(record.thread, fields["call"])))

    def on_ipc_reply(self, record: Record) -> None:
        fields = record.fields
        extra = b"".join(annotation(name, fields[name]) for name in ("caller", "call", "bytes"))
        self.event(record, self.thread_track(record.thread), INSTANT, "IPC reply", "IPC",
                   extra + fixed(48, flow(fields["caller"], fields["call"])))
        self.end(record, fields["caller"], "IPC call")

    def on_page_fault(self, record: Record) -> None:
        extra = b"".join(annotation(name, record.fields[name]) for name in ("address", "error_code", "instruction"))
        self.event(record, self.thread_track(record.thread), INSTANT, "page fault", "memory", extra)

    def on_interrupt_enter(self, record: Record) -> None:
        self.event(record, self.interrupt_track(record.cpu), SLICE_BEGIN, f"vector {record.fields['vector']}", "interrupt")

    def on_interrupt_exit(self, record: Record) -> None:
        self.event(record, self.interrupt_track(record.cpu), SLICE_END)

    def on_timer_expired(self, record: Record) -> None:
        self.event(record, self.interrupt_track(record.cpu), INSTANT, "timer", "timer",
                   annotation("late_ns", record.fields["late_ns"]))

    def life(self, record: Record) -> None:
        if record.thread:
            extra = b"".join(annotation(name, value) for name, value in record.fields.items())
            self.event(record, self.thread_track(record.thread), INSTANT, record.name.replace("_", " "), "life", extra)

    on_process_start = on_process_end = on_thread_start = on_thread_end = on_silo_start = on_silo_end = life


def flow(caller: int, call: int) -> int:
    """Ties a call to its reply."""
    return caller << 32 | call & 0xFFFFFFFF
