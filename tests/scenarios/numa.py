"""Memory and processors in nodes: each processor's programs get memory near it, and farther memory when that is used up."""
from harness import MACHINES, chevron, compile_static, expect, run, scenario

# Pins itself to a processor, uses so many megabytes, tells the memory that the nodes have then, and which node it runs on.
TOUCH = r"""
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
static long free_kilobytes(int node) {
    char path[64], line[128];
    long value = -1;
    snprintf(path, sizeof path, "/sys/devices/system/node/node%d/meminfo", node);
    FILE* const file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) sscanf(line, "Node %*d MemFree: %ld", &value);
    return value;
}
int main(int count, char** words) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(atoi(words[1]), &set);
    size_t const bytes = (size_t)atoi(words[2]) << 20;
    if (sched_setaffinity(0, sizeof set, &set)) return 1;
    unsigned cpu, node;
    syscall(SYS_getcpu, &cpu, &node, 0);
    long const before[2] = {free_kilobytes(0), free_kilobytes(1)};
    char* const area = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    memset(area, 1, bytes);
    printf("took %ld %ld on %u\n", (before[0] - free_kilobytes(0)) >> 10, (before[1] - free_kilobytes(1)) >> 10, node);
    for (size_t at = 0; at < bytes; at += 4096)
        if (area[at] != 1) return 2;
    return 0;
}
"""

NUMA = ("--rootfs", "tree", "--machine", "q35", "--smp", "2", "--numa", "2")


def counters(console) -> list[dict[str, int]]:
    return [{name: int(console.command(f"cat /kernel/node/{node}/{name}")) for name in ("total", "free", "local_allocations", "remote_allocations")}
            for node in (0, 1)]


def comes_back(console, before) -> bool:
    """The end of a process is known a little before its memory is free."""
    return any(all(abs(now["free"] - then["free"]) < 8 << 20 for now, then in zip(counters(console), before)) for _ in range(40))


def touched(console, cpu: int, megabytes: int) -> list[int]:
    words = console.command(f"/bin/touch-memory {cpu} {megabytes}", 60).split()
    expect(words[:1] == ["took"] and words[3:] == ["on", str(cpu)], f"the program says {words}")
    return [int(word) for word in words[1:3]]


@scenario("numa.local_memory", timeout=120, only=("x86_64",))
def local_memory():
    compile_static("tree/bin/touch-memory", TOUCH, "musl")
    with chevron(*NUMA) as console:
        shown = console.command("mem nodes").splitlines()
        expect([line.split()[0::5] for line in shown[1:3]] == [["0", "0"], ["1", "1"]], f"mem nodes shows {shown}")
        expect(console.command("cat /kernel/node/1/cpus").strip() == "1", "CPU 1 is not in node 1")
        touched(console, 0, 1)
        pages = 40 << 8
        for cpu in (0, 1, 0):
            before = counters(console)
            took = touched(console, cpu, 40)
            after = counters(console)
            expect(38 <= took[cpu] <= 44 and abs(took[1 - cpu]) <= 4, f"40 MiB on CPU {cpu} came from {took}")
            own = after[cpu]["local_allocations"] - before[cpu]["local_allocations"]
            others = after[1 - cpu]["local_allocations"] - before[1 - cpu]["local_allocations"]
            expect(own >= pages and others < pages / 4, f"CPU {cpu}: {own} local pages, {others} of the other node's CPU")
            for node in (0, 1):
                expect(after[node]["remote_allocations"] - before[node]["remote_allocations"] < 100, f"remote pages: {before} {after}")
            expect(comes_back(console, before), f"memory does not come back: {before} {counters(console)}")


@scenario("numa.other_memory_when_one_node_has_none", timeout=120, only=("x86_64",))
def other_memory_when_one_node_has_none():
    compile_static("tree/bin/touch-memory", TOUCH, "musl")
    with chevron(*NUMA) as console:
        for cpu in (1, 0):
            touched(console, cpu, 1)
            before = counters(console)
            free = before[cpu]["free"] >> 20
            took = touched(console, cpu, free + 30)
            after = counters(console)
            expect(took[cpu] >= free - 8 and took[1 - cpu] >= 22, f"CPU {cpu}: {free} MiB there, {free + 30} wanted, came from {took}")
            remote = after[1 - cpu]["remote_allocations"] - before[1 - cpu]["remote_allocations"]
            expect(remote >= 22 << 8, f"CPU {cpu}: {remote} remote pages")
            expect(comes_back(console, before), f"memory does not come back: {before} {counters(console)}")
        # Near memory again, once there is some.
        took = touched(console, 1, 40)
        expect(took[1] >= 38 and took[0] <= 4, f"40 MiB on CPU 1 came from {took}")


@scenario("numa.one_node")
def one_node():
    """A machine whose firmware says nothing of nodes has one, with everything."""
    script = "cd /sys/devices/system/node; cat online node0/cpulist node0/distance; ls"
    for machine in MACHINES:
        run("sh", "-c", script, options=["--smp", "2", "--machine", machine]).check(stdout="0\n0-1\n10\nnode0\nonline\npossible\n")
    result = run("true", options=["--numa", "2"])
    result.check(status=2, stderr="--numa: needs --machine q35")
