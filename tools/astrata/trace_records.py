"""What the bytes of trace records mean, from the table that abi/compiler generates of abi/trace_events.abi."""
from __future__ import annotations

import json
import os
import re
import struct

from astrata import paths

RECORD = struct.Struct("<QIBBH6Q")


class Record:
    """One event: its name, fields by name, time in nanoseconds since boot, CPU, and thread (0: idle)."""

    __slots__ = ("time", "cpu", "thread", "name", "fields")

    def __init__(self, time, cpu, thread, name, fields):
        self.time, self.cpu, self.thread, self.name, self.fields = time, cpu, thread, name, fields


class Tables:
    """The generated tables of one build."""

    def __init__(self, folder: str, machine: str = "x86_64"):
        with open(os.path.join(folder, "trace_events.json"), encoding="utf-8") as file:
            table = json.load(file)
        with open(os.path.join(folder, "system_calls.json"), encoding="utf-8") as file:
            calls = json.load(file)["system_calls"]
        self.groups: dict[str, int] = table["groups"]
        self.events = {event["number"]: event for event in table["events"]}
        self.call_names = [call["name"] for call in calls]
        self.call_arguments = [_registers(call) for call in calls]
        self.linux_calls = _linux_calls(os.path.join(paths.ROOT, "strates/linux/linux.calls"), machine)

    def call_name(self, number: int) -> str:
        return self.call_names[number] if number < len(self.call_names) else f"call_{number}"

    def decode(self, chunks: list[bytes], frequency: int) -> list[Record]:
        """All records in the order of their times; what makes no sense is left out."""
        records = []
        for chunk in chunks:
            for timestamp, thread, event, cpu, detail, *words in RECORD.iter_unpack(chunk):
                declared = self.events.get(event)
                if declared is None:
                    continue
                slots = (detail, *words)
                fields = {field["name"]: _value(field, slots) for field in declared["fields"]}
                records.append(Record(timestamp * 1_000_000_000 // frequency, cpu, thread, declared["name"], fields))
        records.sort(key=lambda record: record.time)
        return records


def _registers(call) -> list[str]:
    """Names of a system call's argument registers."""
    names = []
    for argument in call["arguments"]:
        names.append(argument["name"])
        if argument["kind"] in ("in_bytes", "out_bytes"):
            names.append(argument["name"] + "_length")
    return names


def _linux_calls(path: str, machine: str) -> dict[int, tuple[str, list[str]]]:
    """Name and arguments of each of a machine's Linux system calls; none where there is no such file."""
    try:
        with open(path, encoding="utf-8") as file:
            rows = re.findall(r"^ *(\d+|-) +(\d+|-) +(\d+|-) (\w+)\(([^)]*)\)", file.read(), re.MULTILINE)
    except OSError:
        return {}
    column = ("x86_64", "aarch64", "riscv64").index(machine)
    return {int(row[column]): (row[3], re.findall(r"(\w+):", row[4])) for row in rows if row[column] != "-"}


def _value(field, slots):
    if field["kind"] != "text":
        return slots[field["slot"]]
    words = slots[field["slot"] : field["slot"] + field["words"]]
    return b"".join(word.to_bytes(8, "little") for word in words).split(b"\0")[0].decode("utf-8", "replace")
