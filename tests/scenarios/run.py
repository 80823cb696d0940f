"""A command in a fresh machine: streams and status pass through unchanged, on every kind of machine."""
import hashlib
import os
import random
import subprocess

from harness import ARCHITECTURE, MACHINES, compile_static, expect, run, scenario, start, write_file


@scenario("run.uname")
def uname():
    for machine in MACHINES:
        run("uname", "-a", options=["--machine", machine]).check(matches=rf"^Linux astrata \d+\.\d+.* {ARCHITECTURE} ")


@scenario("run.true")
def true():
    run("true").check(status=0, stdout=b"")


@scenario("run.exit_status")
def exit_status():
    for status in (0, 1, 7, 255):
        run("sh", "-c", f"exit {status}").check(status=status, stdout=b"")


@scenario("run.stdin_to_stdout")
def stdin_to_stdout():
    for machine in MACHINES:
        result = run("tr", "a-z", "A-Z", stdin=b"hello\n", options=["--machine", machine])
        result.check(stdout=b"HELLO\n")
        expect(result.stderr == b"", f"stderr is not empty: {result.stderr!r}")


@scenario("run.stderr_apart")
def stderr_apart():
    result = run("sh", "-c", "echo out; echo err >&2; exit 3").check(status=3, stdout=b"out\n")
    expect(result.stderr == b"err\n", f"stderr is {result.stderr!r}")


@scenario("run.no_such_program")
def no_such_program():
    run("no-such-program").check(status=127, stdout=b"")
    run("/etc/passwd").check(status=126, stdout=b"")


@scenario("run.large_streams", timeout=240)
def large_streams():
    """On two processors again and again: whoever waits for the other side sleeps and wakes all the time, on either of them."""
    data = random.Random(1).randbytes(8 << 20)
    for machine in MACHINES:
        for processors in ("1", *("2",) * 4):
            result = run("cat", stdin=data, options=["--machine", machine, "--smp", processors], timeout=60).check()
            expect(result.stdout == data, f"{machine}, {processors}: {len(result.stdout)} bytes came back, or others than were sent")


@scenario("run.checksum_of_stdin")
def checksum_of_stdin():
    data = random.Random(2).randbytes(3 << 20)
    run("sha256sum", stdin=data).check(stdout=f"{hashlib.sha256(data).hexdigest()}  -\n")


@scenario("run.arguments")
def arguments():
    words = ["", " ", "a b", "%", "ü", "new\nline", "$HOME", "'", '"', "\\"]
    run("printf", "%s|", *words).check(stdout="".join(word + "|" for word in words))
    long = "x" * 20000
    run("sh", "-c", 'echo ${#1}', "sh", long).check(stdout="20000\n")


@scenario("run.environment")
def environment():
    result = run("env").check(matches=r"^PATH=.*/bin")
    expect("HOME=/root" in result.text, result.text)
    names = {line.split("=")[0] for line in result.text.splitlines()}
    expect("XDG_CACHE_HOME" not in names and "SHELL" not in names, f"the host's variables leak: {sorted(names)}")


@scenario("run.early_end_of_reader")
def early_end_of_reader():
    process = start("run", "--", "yes")
    expect(process.stdout.read(4) == b"y\ny\n", "yes did not say y")
    process.stdout.close()
    expect(process.wait(30) == 141, f"status {process.returncode}")
    expect(process.stderr.read() == b"", "something on stderr")


@scenario("run.signal_status")
def signal_status():
    run("sh", "-c", "kill -SEGV $$").check(status=139)
    run("sh", "-c", "kill -KILL $$").check(status=137)


@scenario("run.interrupt")
def interrupt():
    import signal

    process = start("run", "--", "sh", "-c", 'trap "echo caught; exit 9" INT; echo up; while :; do sleep 0.1; done')
    expect(process.stdout.readline() == b"up\n", "did not start")
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    expect((stdout, process.returncode) == (b"caught\n", 9), f"{stdout!r} {stderr!r} {process.returncode}")


@scenario("run.processors")
def processors():
    for count in (1, 2, 4, 8, 16):
        run("nproc", options=["--smp", str(count)]).check(stdout=f"{count}\n")


@scenario("run.memory_sizes", timeout=180)
def memory_sizes():
    for machine in MACHINES:
        for megabytes in (24, 64, 1024, 5120):
            result = run("sh", "-c", "grep MemTotal /proc/meminfo", options=["--machine", machine, "--memory", f"{megabytes}M"])
            kilobytes = int(result.check(contains="MemTotal").text.split()[1])
            expect(megabytes * 1024 * 0.7 <= kilobytes <= megabytes * 1024,
                   f"{machine} with {megabytes} MiB shows MemTotal {kilobytes} kB")


@scenario("run.two_at_once")
def two_at_once():
    runs = [start("run", "--", "sh", "-c", f"sleep 0.5; echo {number}") for number in range(3)]
    for number, process in enumerate(runs):
        stdout, stderr = process.communicate(timeout=60)
        expect((stdout, process.returncode) == (f"{number}\n".encode(), 0), f"{stdout!r} {stderr!r}")


@scenario("run.killed_run_leaves_nothing")
def killed_run_leaves_nothing():
    process = start("run", "--", "sh", "-c", "echo up; sleep 100")
    expect(process.stdout.readline() == b"up\n", "did not start")
    machines = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], stdout=subprocess.PIPE, text=True,
                              check=True).stdout.split()
    expect(len(machines) == 1, f"children of the run: {machines}")
    process.kill()
    process.communicate()
    for _ in range(100):
        if not os.path.exists(f"/proc/{machines[0]}/exe"):
            return
        import time

        time.sleep(0.05)
    expect(False, "the machine outlived its run")


COUNTED = r"""
#include <stdio.h>
#include <unistd.h>
#include <time.h>
static unsigned long now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ul + t.tv_nsec; }
int main(void) {
    unsigned long fewest = ~0ul;
    for (int round = 0; round < 20; ++round) {   // an interrupt in one of them adds to it
        unsigned long start = now();
        for (int i = 0; i < 100; ++i) getppid();
        unsigned long took = now() - start;
        if (took < fewest) fewest = took;
    }
    printf("%lu\n", fewest);
}
"""


@scenario("run.counted_instructions_repeat")
def counted_instructions_repeat():
    compile_static("tree/count", COUNTED)
    first, second = (run("/count", options=["--rootfs", "tree", "--icount"]).check().text for _ in range(2))
    expect(first == second and int(first) > 1000, f"two runs under --icount differ: {first!r} and {second!r}")


@scenario("run.bad_requests")
def bad_requests():
    text = write_file("text", "just text")
    for options in (["--frob"], ["--machine", "pdp11"], ["--smp", "0"], ["--memory", "much"], ["--arch", "vax"], ["--arch", "riscv64", "--machine", "q35"],
                    ["--rootfs", "/nonexistent"], ["--rootfs", text], ["--disk", "/nonexistent"], ["-p", "80:80"],
                    ["--rw"], ["--isolation", "paper"]):
        result = run("true", options=options).check(status=2, stdout=b"")
        expect(result.stderr.startswith(b"astrata: ") and result.stderr.count(b"\n") == 1, f"{options}: {result.stderr!r}")


@scenario("run.verbose")
def verbose():
    result = run("true", options=["--verbose"]).check(stdout="")
    expect(b"Bedrock on" in result.stderr, f"the console is not on stderr: {result.stderr!r}")
