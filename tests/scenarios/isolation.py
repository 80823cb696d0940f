"""The same binaries behind different walls: in an address space of their own, and hosted in the kernel."""
import re
import time

from big_reads import kill_while_reading
from harness import MACHINES, chevron, compile_static, copy_busybox, expect, run, scenario

HOSTED = "linux=kernel,ext4=kernel,ramfs=kernel,virtio-blk=kernel"

# Touches what a personality keeps for its programs: segment bases, vector registers, signals, clones, faults.
PROGRAM = r"""
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static __thread int own = 1;
static volatile int signals;
static void note(int number) { signals += number == SIGUSR1; }
static void* body(void* argument) {
    double sum = 0;
    for (int i = 1; i <= 1000; ++i) {
        sum += 1.0 / i;
        if (i % 100 == 0) sched_yield();
    }
    own = (int)(long)argument;
    usleep(1000);
    return (void*)(long)(own * 100000 + (int)(sum * 1000));
}

int main(void) {
    signal(SIGUSR1, note);
    pthread_t threads[4];
    long total = 0;
    for (long i = 0; i < 4; ++i) pthread_create(&threads[i], 0, body, (void*)(i + 1));
    for (int i = 0; i < 4; ++i) {
        void* result;
        pthread_join(threads[i], &result);
        total += (long)result;
    }
    for (int i = 0; i < 100; ++i) kill(getpid(), SIGUSR1);
    char* memory = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(memory, 7, 1 << 20);
    int status;
    if (fork() == 0) {
        memory[5] = 9;
        _exit(memory[5] + memory[6] + own);
    }
    wait(&status);
    if (write(1, (void*)16, 1) != -1) return 1;
    printf("%ld %d %d %d\n", total, signals, WEXITSTATUS(status), memory[5]);
    fflush(stdout);
    return *(volatile int*)8;
}
"""


@scenario("isolation.programs_behind_each_wall")
def programs_behind_each_wall():
    compile_static("tree/probe", PROGRAM, flags=("-pthread",))
    for choice in ("linux=user", "linux=kernel", HOSTED):
        for processors in ("1", "2"):
            result = run("/probe", options=["--rootfs", "tree", "--isolation", choice, "--smp", processors])
            result.check(stdout="1029940 100 17 7\n", status=139)


@scenario("isolation.shells_behind_each_wall")
def shells_behind_each_wall():
    copy_busybox("tree/bin/busybox")
    script = ("cd /tmp; for i in 1 2 3 4 5 6 7 8; do echo $i | busybox cat >> list & done; wait; busybox sort -n list | busybox tr '\\n' ' ';"
              "busybox seq 20000 | busybox sha256sum | busybox cut -c1-12; busybox true & busybox false; echo $?")
    expected = run("/bin/busybox", "sh", "-c", script, options=["--rootfs", "tree", "--isolation", "user"]).stdout
    expect(expected.startswith(b"1 2 3 4 5 6 7 8 ") and expected.endswith(b"\n1\n"), expected)
    for processors in ("1", "2"):
        run("/bin/busybox", "sh", "-c", script,
            options=["--rootfs", "tree", "--isolation", HOSTED, "--smp", processors]).check(stdout=expected)


@scenario("isolation.shown")
def shown():
    with chevron("--isolation", "ramfs=kernel") as console:
        expect(re.search(r"isolation +kernel", console.command("silo info ramfs")), "not shown as kernel-hosted")
        expect(re.search(r"isolation +user", console.command("silo info chevron")), "not shown as in user mode")


@scenario("isolation.hosted_strate_crashes")
def hosted_strate_crashes():
    """What would end a process in user mode ends one that is hosted in the kernel, and nothing else."""
    with chevron("--isolation", "crasher=kernel") as console:
        console.command("strate start crasher")
        log = console.until("strate logs crasher", "restart 2")
        expect(re.search(r"crashed: .*address 0x0+, instruction 0x[0-9a-f]+ ", log), log)
        console.command("strate stop crasher")
        expect("running" in console.command("strate info ramfs"), "another strate did not survive")


@scenario("isolation.hosted_drivers_killed", timeout=300)
def hosted_drivers_killed():
    kill_while_reading(["ext4", "virtio-blk.0"], MACHINES[0], "--isolation", HOSTED)


@scenario("isolation.unknown_modes")
def unknown_modes():
    for choice in ("linux=paper", "linux=", "=kernel=user"):
        result = run("true", options=["--isolation", choice])
        expect(result.status == 2 and b"--isolation" in result.stderr, f"{choice}: {result.stderr}")


@scenario("isolation.hosted_strate_uses_up_its_stack", timeout=300)
def hosted_strate_uses_up_its_stack():
    """By calls of its own, by calls of Bedrock, and when an interrupt comes: it crashes and starts again, and the machine goes on."""
    for options in (("--smp", "1"), ("--smp", "2")):
        with chevron(*options) as console:
            console.command("strate start stack-exhauster")
            log = ""
            ways = ("about to call itself", "about to call Bedrock", "about to wait for an interrupt")
            for _ in range(60):
                # A CPU with one thread may not see an interrupt before the restart.
                log = console.command("strate logs stack-exhauster").replace("\n", "")
                endings = len(re.findall(r"crashed: ", log))
                if all(way in log for way in ways) and endings >= 3:
                    break
                console.command("strate restart stack-exhauster")
                time.sleep(0.3)
            expect(all(way in log for way in ways) and "nobody noticed" not in log, log)
            console.command("strate stop stack-exhauster")
            expect("running" in console.command("strate info ramfs"), "another strate did not survive")
            console.command("/bin/true")
            expect(console.command("echo $?").startswith("0"), "programs do not run any more")
