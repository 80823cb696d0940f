"""Rings in memory: what is new, what was lost, what is no ring."""
import os
import struct
import unittest

from astrata import trace_rings
from astrata.trace_rings import HEADER, MAGIC, RECORD_BYTES, RECORDS, WRITTEN, Collector

SIZE = 1 << 20
FIRST, SECOND = 0x10000, 0x40000


class Memory:
    """A machine's memory with rings that are written to by hand."""

    def __init__(self):
        self.descriptor = os.memfd_create("test")
        os.truncate(self.descriptor, SIZE)

    def put(self, offset, data):
        os.pwrite(self.descriptor, data, offset)

    def ring(self, offset, cpu, cpus=2, capacity=4):
        self.put(offset, HEADER.pack(MAGIC, 1, RECORD_BYTES, capacity, 1000, cpu, cpus, 1, 0, 0, 0))

    def record(self, offset, number, capacity=4):
        self.put(offset + RECORDS + number % capacity * RECORD_BYTES, bytes([number]) * RECORD_BYTES)
        self.put(offset + WRITTEN, struct.pack("<Q", number + 1))


def taken(collector):
    data = b"".join(collector.records)
    collector.records.clear()
    return [data[place] for place in range(0, len(data), RECORD_BYTES)]


class Rings(unittest.TestCase):
    def setUp(self):
        self.memory = Memory()
        self.collector = Collector(self.memory.descriptor, SIZE)

    def tearDown(self):
        self.collector.memory.close()
        os.close(self.memory.descriptor)

    def test_finds_rings_when_they_are_made(self):
        self.collector.collect()
        self.assertEqual(self.collector.rings, {})
        self.memory.ring(FIRST, 0)
        self.memory.ring(SECOND, 1)
        self.memory.record(SECOND, 0)
        self.collector.collect()
        self.assertEqual(sorted(self.collector.rings), [0, 1])
        self.assertEqual(taken(self.collector), [0])

    def test_takes_each_record_once(self):
        self.memory.ring(FIRST, 0, cpus=1)
        for number in range(9):
            self.memory.record(FIRST, number)
            self.collector.collect()
        self.assertEqual(taken(self.collector), list(range(9)))
        self.assertEqual(self.collector.lost, 0)

    def test_counts_what_was_overwritten(self):
        self.memory.ring(FIRST, 0, cpus=1)
        for number in range(10):
            self.memory.record(FIRST, number)
        self.collector.collect()
        self.assertEqual(taken(self.collector), [7, 8, 9])
        self.assertEqual(self.collector.lost, 7)

    def test_believes_the_first_ring_of_a_cpu_and_no_nonsense(self):
        self.memory.ring(0x8000, 0, capacity=1 << 40)   # does not fit the memory
        self.memory.put(0x9010, MAGIC)                  # not at the beginning of a page
        self.memory.ring(FIRST, 0, cpus=1)
        self.memory.ring(SECOND, 0, cpus=1)
        self.collector.collect()
        self.assertEqual([ring.offset for ring in self.collector.rings.values()], [FIRST])

    def test_says_when_there_was_nothing(self):
        self.collector.start()
        with self.assertRaises(trace_rings.MachineError):
            self.collector.finish()


if __name__ == "__main__":
    unittest.main()
