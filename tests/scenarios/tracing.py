"""Seeing the system: recorded events as Perfetto reads them, counters as files, calls of a strate as they happen."""
import re
import struct
import time
from collections import Counter, defaultdict

from harness import FULL_MACHINE, chevron, expect, run, scenario

# ---- A reader of protobuf's wire format and of the few fields of Perfetto's trace that matter here, written from their
# descriptions alone: what the tool writes is not read back with the tool's own code.


def message(data):
    """{field number: [values]} of an encoded message: integers, or bytes for what has a length."""
    fields, place = defaultdict(list), 0

    def varint():
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while place < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            fields[key >> 3].append(varint())
        elif kind == 1:
            fields[key >> 3].append(struct.unpack_from("<Q", data, place)[0])
            place += 8
        elif kind == 2:
            length = varint()
            expect(place + length <= len(data), "a field goes beyond its message")
            fields[key >> 3].append(bytes(data[place : place + length]))
            place += length
        else:
            expect(False, f"wire type {kind}")
    return fields


class Trace:
    """What of a trace file the scenarios look at."""

    def __init__(self, path):
        with open(path, "rb") as file:
            packets = [message(packet) for packet in message(file.read())[1]]
        self.switches = defaultdict(list)  # CPU -> (time, previous thread, next thread)
        self.wakes = 0
        self.slices = []  # (time, type, track, name, flows, ended flows)
        self.processes, self.threads, self.tracks = {}, {}, {}
        for packet in packets:
            for bundle in map(message, packet[1]):
                for event in map(message, bundle[2]):
                    for switch in map(message, event[4]):
                        self.switches[bundle[1][0]].append((event[1][0], switch[2][0], switch[6][0]))
                    self.wakes += len(event[20])
            for tree in map(message, packet[2]):
                for process in map(message, tree[1]):
                    self.processes[process[1][0]] = process[3][0].decode()
                for thread in map(message, tree[2]):
                    self.threads[thread[1][0]] = thread[3][0]
            for descriptor in map(message, packet[60]):
                self.tracks[descriptor[1][0]] = descriptor
            for event in map(message, packet[11]):
                name = event[23][0].decode() if event[23] else ""
                self.slices.append((packet[8][0], event[9][0], event[11][0], name, event[47], event[48]))

    def count(self, name):
        return sum(1 for entry in self.slices if entry[3] == name)


FORKS = "for i in 1 2 3 4; do /bin/true; done; yes | head -c 100000 | wc -c; echo done"


@scenario("tracing.perfetto", timeout=300)
def perfetto():
    for smp, isolation in ((1, "user"), (2, "user"), (2, "kernel")):
        began = time.monotonic()
        options = ["--smp", str(smp), "--isolation", isolation, "--trace", "out.perfetto-trace"]
        result = run("sh", "-c", FORKS, options=options, timeout=100)
        result.check(stdout="100000\ndone\n", stderr="out.perfetto-trace: ")
        limit = (time.monotonic() - began) * 1e9
        trace = Trace("out.perfetto-trace")
        names = Counter(entry[3] for entry in trace.slices)
        # Each command of the script was a fork: a clone of the address space.
        expect(names["address_space_clone"] >= 4, f"{names['address_space_clone']} forks: {names.most_common(40)}")
        # The commands' own system calls, as the program saw them.
        forks = names["Linux: fork"] + names["Linux: vfork"] + names["Linux: clone"]
        expect(isolation == "kernel" or (forks >= 4 and names["Linux: execve"] >= 3), f"{names.most_common(60)}")
        expect(names["page fault"] > 50 and trace.wakes > 50, f"{names['page fault']} page faults, {trace.wakes} wake-ups")
        expect(any(name.startswith("vector ") for name in names), "no interrupts")
        expect({"run", "silo-manager", "ramfs"} <= set(trace.processes.values()), f"{trace.processes}")
        check_switches(trace, smp, limit, is_whole="lost" not in result.stderr.decode())
        check_slices(trace, limit)
        check_calls(trace)


def check_switches(trace, smp, limit, is_whole):
    expect(set(trace.switches) == set(range(smp)), f"switches on CPUs {sorted(trace.switches)}, there are {smp}")
    for cpu, switches in trace.switches.items():
        expect(len(switches) > 20, f"{len(switches)} switches on CPU {cpu}")
        times = [switch[0] for switch in switches]
        expect(times == sorted(times) and 0 < times[0] and times[-1] < limit, f"CPU {cpu}: times {times[0]} to {times[-1]} of {limit}")
        # Whoever got the CPU is who gives it up next.
        breaks = [pair for pair in zip(switches, switches[1:]) if pair[0][2] != pair[1][1]]
        expect(not is_whole or not breaks, f"CPU {cpu}: {len(breaks)} gaps, the first {breaks[:1]}")
        expect(all(thread in trace.threads for switch in switches for thread in switch[1:] if thread), "a thread has no name")


def check_slices(trace, limit):
    depth = Counter()
    for moment, kind, track, name, _, _ in trace.slices:
        expect(0 < moment < limit, f"{name} at {moment} of {limit}")
        expect(track in trace.tracks, f"{name} is on no track")
        depth[track] += {1: 1, 2: -1}.get(kind, 0)
        expect(depth[track] >= 0, f"an end without a begin on track {track:#x}")


def check_calls(trace):
    begun = {flow: moment for moment, _, _, _, flows, _ in trace.slices for flow in flows}
    answered = [(moment, flow) for moment, _, _, _, _, flows in trace.slices for flow in flows]
    pairs = [(begun[flow], moment) for moment, flow in answered if flow in begun]
    expect(len(pairs) > 20, f"{len(pairs)} calls with replies, {len(begun)} calls, {len(answered)} replies")
    expect(all(call < reply for call, reply in pairs), "a reply before its call")


@scenario("tracing.chosen_events")
def chosen_events():
    run("true", options=["--trace", "faults", "--trace-events", "faults,life"]).check(stdout="")
    trace = Trace("faults")
    names = {name for _, _, _, name, _, _ in trace.slices}
    expect("page fault" in names and "thread start" in names, f"{names}")
    expect(not trace.switches and "address_space_map" not in names, f"other events as well: {names}")
    run("true", options=["--trace", "x", "--trace-events", "fualts"]).check(status=2, stderr="unknown group 'fualts'")
    run("true", options=["--trace-events", "faults"]).check(status=2, stderr="only together with --trace")
    run("true", options=["--trace", "no/such/folder/file"]).check(status=2, stderr="No such file")
    # Everything works as always where nothing is recorded, and on the other machine.
    run("sh", "-c", "exit 3", options=[*FULL_MACHINE, "--trace", "full"]).check(status=3)
    expect(Trace("full").count("address_space_map") > 10, "nothing was recorded with PCI")


@scenario("tracing.commands", timeout=180)
def commands():
    for smp in ("1", "2"):
        with chevron("--smp", smp) as console:
            expect("nothing was recorded" in console.command("trace status"), "events before there were any")
            expect("nothing was recorded" in console.command("trace show"), "events before there were any")
            expect("not known" in console.command("trace start nonsense"), "a group that there is not")
            expect("no such strate" in console.command("trace start all nobody"), "a strate that there is not")
            expect(console.command("trace start system_calls,ipc,scheduling,life").strip() == "", "trace start says something")
            console.command("ls /")
            shown = console.command("trace status")
            expect(re.search(r"recording +system_calls ipc scheduling life", shown), shown)
            console.command("trace stop")
            shown = console.command("trace status")
            count = int(re.search(r"events +(\d+)", shown)[1])
            expect("nothing" in shown and count > 100, shown)
            shown = console.command("trace show 300", timeout=60)
            lines = re.findall(r"^ *(\d+\.\d{6}) \[(\d)\] (?:thread \d+|idle)  (\w+)", shown, re.MULTILINE)
            expect(len(lines) > 200, shown)
            times = [float(line[0]) for line in lines]
            expect(times == sorted(times), "events out of order")
            kinds = {line[2] for line in lines}
            expect({"context_switch", "system_call_exit"} <= kinds, f"{kinds}")
            expect(f"{count}" in console.command("trace status"), "events were recorded after the end")


@scenario("tracing.calls_of_a_strate", timeout=180)
def calls_of_a_strate():
    for smp in ("1", "2"):
        with chevron("--smp", smp) as console:
            console.command("uname")  # the silo for Linux programs is there from now on
            expect("no such strate" in console.command("strate trace nobody on"), "a strate that there is not")
            console.send("sh -c 'sleep 1; ls /bin /etc; sleep 1; ls /bin' > /tmp/listing &\r")
            console.expect(r"^>>> ")
            console.send("strate trace ramfs on\r")
            # File operations of the program arrive as messages.
            console.expect(r"^ *\d+\.\d{6} \[\d\] thread \d+  reply_and_wait\(reply=0x[0-9a-f]+, source=0x[0-9a-f]+, .*\) = ok +\d+ us$", 40)
            console.send("\x03")
            console.expect(r"^>>> ")
            expect("recording    nothing" in console.command("trace status"), "still recording after Ctrl-C")
            console.command("trace start ipc")
            expect("being recorded already" in console.command("strate trace ramfs on"), "took the rings from somebody")
            console.command("strate trace ramfs off")
            expect("recording    nothing" in console.command("trace status"), "strate trace off changed nothing")


@scenario("tracing.kernel_files")
def kernel_files():
    with chevron("--smp", "2") as console:
        def counters():
            return {name: int(value) for name, value in re.findall(r"^(\w+) (\d+)$", console.command("cat /kernel/counters"), re.MULTILINE)}

        first = counters()
        console.command("ls /bin")
        second = counters()
        expect(set(first) >= {"context_switches", "interrupts", "system_calls", "page_faults", "ipc_calls"}, f"{first}")
        # Messages were exchanged and pages touched in between.
        for name in ("context_switches", "page_faults", "ipc_calls", "system_calls"):
            expect(0 < first[name] < second[name], f"{name}: {first[name]}, then {second[name]}")
        memory = dict(re.findall(r"^(\w+) (\d+)$", console.command("cat /kernel/memory"), re.MULTILINE))
        expect(0 < int(memory["free"]) < int(memory["total"]) <= 256 << 20, f"{memory}")
        expect(console.command("ls /kernel/cpu").split() == ["0", "1"], console.command("ls /kernel/cpu"))
        switches = [int(console.command(f"cat /kernel/cpu/{cpu}/switches")) for cpu in (0, 1)]
        expect(second["context_switches"] <= sum(switches) and min(switches) > 0, f"{switches} of {second['context_switches']}")
        idle = [int(console.command("cat /kernel/cpu/1/idle_ns")) for _ in range(2)]
        expect(0 < idle[0] < idle[1], f"idle time {idle}")
        expect("read-only" in console.command("echo 1 > /kernel/counters"), "a counter can be written")
        expect("not found" in console.command("cat /kernel/cpu/2/switches"), "a CPU that there is not")


@scenario("tracing.top_shows_rates")
def top_shows_rates():
    with chevron() as console:
        console.command("uname")
        console.command("sh -c 'while true; do /bin/true; done' &")
        shown = console.command("silo top | cat", timeout=40)
        expect(re.search(r"ID +SILO +STATE +CPU +TIME +MEMORY +THREADS +CALLS/S +FAULTS/S", shown), shown)
        row = re.search(r"^ *\d+ +linux\S* +running +([\d.]+)% +[\d.]+ +\S+ +\d+ +(\d+) +(\d+)", shown, re.MULTILINE)
        expect(row and float(row[1]) > 5 and int(row[2]) > 20 and int(row[3]) > 20, shown)
