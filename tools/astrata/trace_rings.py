"""Reads Bedrock's trace rings out of the machine's memory while it runs: QEMU keeps the memory in a file that we map as well, so
that recording costs the system nothing but the records themselves, and what was recorded outlives a crash."""
from __future__ import annotations

import mmap
import os
import struct
import threading

from astrata.errors import MachineError

# lib/trace/ring.h
MAGIC = 0x676E6972_65636172.to_bytes(8, "little")
VERSION = 1
HEADER = struct.Struct("<8sIIQQIIIIQQ")
WRITTEN = 64
RECORDS = 4096
PAGE = 4096
RECORD_BYTES = 64
# Bytes of one ring, the most that there can be; and how often they are emptied.
RING_BYTES = 4 << 20
INTERVAL = 0.005


class Ring:
    """One CPU's ring at `offset` of the memory. Raises ValueError for what is none."""

    def __init__(self, memory: mmap.mmap, offset: int):
        magic, version, record_bytes, self.capacity, self.frequency, self.cpu, self.cpus, *_ = HEADER.unpack_from(memory, offset)
        end = offset + RECORDS + self.capacity * RECORD_BYTES
        if magic != MAGIC or version != VERSION or record_bytes != RECORD_BYTES or not self.capacity or end > len(memory):
            raise ValueError("not a ring")
        if not self.frequency or not self.cpu < self.cpus <= 64:
            raise ValueError("not a ring")
        self.memory, self.offset = memory, offset
        self.next = self.lost = 0

    def written(self) -> int:
        return struct.unpack_from("<Q", self.memory, self.offset + WRITTEN)[0]

    def take(self) -> bytes:
        """The records since the last time, as they lie there; counts those that were overwritten before."""
        end = self.written()
        first = max(self.next, end - self.capacity)
        parts = []
        for number in (first, *range(first - first % self.capacity + self.capacity, end, self.capacity)):
            if number >= end:
                break
            slot = number % self.capacity
            count = min(end - number, self.capacity - slot)
            start = self.offset + RECORDS + slot * RECORD_BYTES
            parts.append(self.memory[start : start + count * RECORD_BYTES])
        # The writer did not wait: what it has begun to overwrite meanwhile does not count.
        whole = max(first, self.written() - self.capacity + 1)
        data = b"".join(parts)[min(whole - first, end - first) * RECORD_BYTES :]
        self.lost += min(whole, end) - self.next
        self.next = end
        return data


class Collector(threading.Thread):
    """Empties the rings of the machine whose memory is `descriptor`, from now until finish()."""

    def __init__(self, descriptor: int, size: int):
        super().__init__(daemon=True)
        self.descriptor, self.size = descriptor, size
        self.memory = mmap.mmap(descriptor, size, mmap.MAP_SHARED, mmap.PROT_READ)
        self.rings: dict[int, Ring] = {}
        self.records: list[bytes] = []
        self.is_over = threading.Event()

    def run(self) -> None:
        while not self.is_over.wait(INTERVAL):
            self.collect()

    def collect(self) -> None:
        if not self.rings or len(self.rings) < next(iter(self.rings.values())).cpus:
            self.look_for_rings()
        for ring in self.rings.values():
            data = ring.take()
            if data:
                self.records.append(data)

    def look_for_rings(self) -> None:
        """Looks at the beginning of every page that was ever written to. The first ring of a CPU counts: Bedrock makes them before any
        program runs that could pretend to have one."""
        position = 0
        while position < self.size:
            try:
                position = os.lseek(self.descriptor, position, os.SEEK_DATA)
                end = os.lseek(self.descriptor, position, os.SEEK_HOLE)
            except OSError:  # nothing but a hole is left
                return
            self.look_in(position, end)
            position = end

    def look_in(self, start: int, end: int) -> None:
        found = self.memory.find(MAGIC, start, end)
        while found >= 0:
            if found % PAGE == 0:
                try:
                    ring = Ring(self.memory, found)
                    self.rings.setdefault(ring.cpu, ring)
                except (ValueError, struct.error):
                    pass
            found = self.memory.find(MAGIC, found + 8, end)

    def finish(self) -> None:
        """Takes what is left. The machine no longer runs."""
        self.is_over.set()
        self.join()
        self.collect()
        if not self.rings:
            raise MachineError("trace: the system has not recorded anything")

    @property
    def lost(self) -> int:
        return sum(ring.lost for ring in self.rings.values())

    @property
    def frequency(self) -> int:
        return next(iter(self.rings.values())).frequency
