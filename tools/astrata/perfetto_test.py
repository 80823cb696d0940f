"""Encoding of numbers and messages, and which packets records become."""
import os
import struct
import unittest

from astrata import paths, perfetto
from astrata.perfetto import Exporter, number, text, varint
from astrata.trace_records import RECORD, Tables

TABLES = Tables(os.path.join(paths.ROOT, "abi/golden"))
NUMBERS = {event["name"]: number for number, event in TABLES.events.items()}


def record(time, thread, name, detail=0, *words, cpu=0):
    return RECORD.pack(time, thread, NUMBERS[name], cpu, detail, *words, *[0] * (6 - len(words)))


def export(*records):
    exporter = Exporter(TABLES)
    return exporter.export(TABLES.decode(list(records), 1_000_000_000)), exporter


class Encoding(unittest.TestCase):
    def test_numbers(self):
        self.assertEqual(varint(0), b"\0")
        self.assertEqual(varint(300), b"\xac\x02")
        self.assertEqual(varint(-1), b"\xff" * 9 + b"\x01")
        self.assertEqual(number(1, 150), b"\x08\x96\x01")
        self.assertEqual(text(2, "testing"), b"\x12\x07testing")
        self.assertEqual(perfetto.fixed(1, 5), b"\x09" + struct.pack("<Q", 5))


class Records(unittest.TestCase):
    def test_decodes_by_the_table(self):
        name = int.from_bytes(b"virtio-b", "little"), int.from_bytes(b"lk", "little")
        found = TABLES.decode([record(20, 3, "process_start", 0, 5, 4, *name), record(10, 3, "context_switch", 1, 9)], 10**10)
        self.assertEqual([(r.time, r.name) for r in found], [(1, "context_switch"), (2, "process_start")])
        self.assertEqual(found[1].fields, {"process": 5, "silo": 4, "name": "virtio-blk"})
        self.assertEqual(TABLES.decode([RECORD.pack(1, 1, 255, 0, 0, 0, 0, 0, 0, 0, 0)], 1), [])

    def test_leaves_no_slice_open_or_ended_twice(self):
        close = TABLES.call_names.index("handle_close")
        call = TABLES.call_names.index("endpoint_call")
        data, exporter = export(
            record(1, 7, "system_call_exit", close),           # its begin was before the recording
            record(2, 7, "system_call_enter", call, 1), record(3, 7, "ipc_call", 0, 50, 1, 8),
            record(4, 8, "ipc_reply", 0, 7, 1, 0), record(5, 7, "system_call_exit", call),
            record(6, 7, "system_call_enter", call, 1), record(7, 7, "ipc_call", 0, 50, 2, 8),
            record(8, 7, "system_call_exit", call, 12))        # failed: nobody answered
        self.assertEqual(exporter.open[7], [])
        self.assertEqual(data.count(b"\xba\x01\x08IPC call"), 2)
        self.assertEqual(data.count(b"\xba\x01\x09IPC reply"), 1)

    def test_names_linux_calls(self):
        data, _ = export(record(1, 7, "foreign_call_enter", 1, 2, 3, 4), record(2, 7, "foreign_call_exit", 0, 4))
        self.assertIn(b"Linux: write", data)
        self.assertIn(b"buffer", data)
        self.assertEqual(Tables(os.path.join(paths.ROOT, "abi/golden"), "riscv64").linux_calls[64][0], "write")


if __name__ == "__main__":
    unittest.main()
