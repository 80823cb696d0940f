"""Processors are shared: a program that spins stops nobody, and two that spin get the same."""
from harness import compile_static, expect, run, scenario


@scenario("sched.preemption")
def preemption():
    script = "(while :; do :; done) & (while :; do :; done) & echo alive; sleep 0.3; ls / >/dev/null && echo still; kill -9 %1 %2"
    for processors in ("1", "2"):
        run("sh", "-c", script, options=["--smp", processors]).check(contains="alive\nstill\n")


SPINNERS = r"""
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
enum { count = 4 };
int main(void) {
    volatile unsigned long* rounds = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t children[count];
    for (int i = 0; i < count; ++i)
        if (!(children[i] = fork()))
            for (;;) ++rounds[i * 16];
    sleep(2);
    for (int i = 0; i < count; ++i) { kill(children[i], SIGKILL); waitpid(children[i], 0, 0); printf("%lu ", rounds[i * 16]); }
    puts("");
    return 0;
}
"""


@scenario("sched.fair_shares")
def fair_shares():
    compile_static("tree/bin/spinners", SPINNERS, "musl")
    result = run("/bin/spinners", options=["--rootfs", "tree", "--smp", "1"]).check()
    rounds = [int(word) for word in result.text.split()]
    expect(min(rounds) > 0.5 * max(rounds), f"four equal spinners got unequal shares: {rounds}")
