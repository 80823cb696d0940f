"""Processors are shared: a program that spins stops nobody, limits bite, and processors come and go."""
import json
import re
import socket
import time

from harness import chevron, compile_static, expect, run, scenario


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


# Counts rounds for some seconds of wall time; prints the millions.
BURN = r"""
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int main(int count, char** words) {
    struct timespec start, now;
    volatile unsigned long rounds = 0;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        for (int i = 0; i < 20000; ++i) ++rounds;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < atoi(words[1]));
    printf("rounds %lu\n", rounds / 1000);
    return 0;
}
"""


def burn(console, milliseconds: int) -> int:
    return int(re.search(r"rounds (\d+)", console.command(f"/bin/burn {milliseconds}", 60))[1])


@scenario("sched.quota", timeout=180)
def quota():
    compile_static("tree/bin/burn", BURN, "musl")
    for processors in ("1", "2"):
        with chevron("--rootfs", "tree", "--smp", processors) as console:
            free = burn(console, 1500)
            expect(console.command("silo limit linux cpu 20%").strip() == "", "the limit was not taken")
            limited = burn(console, 3000) / 2
            expect(0.08 * free < limited < 0.35 * free, f"--smp {processors}: {limited} of {free} rounds with 20% of a CPU")
            shown = console.command("silo info linux.0")
            found = re.search(r"20\.0% of a CPU in each 100 ms; paused (\d+) times", shown)
            expect(found and int(found[1]) >= 10, f"silo info does not show the pauses:\n{shown}")
            console.command("silo limit linux cpu none")
            expect(burn(console, 1500) > 0.6 * free, "the limit stays after it was taken away")
            shown = console.command("silo limit linux cpu 0.5%") + console.command("silo limit linux cpu 5%/11")
            expect("usage" in shown and "less than 1 ms" in shown, f"bad limits were taken: {shown}")


@scenario("sched.quota_does_not_hold_others", timeout=120)
def quota_does_not_hold_others():
    compile_static("tree/bin/burn", BURN, "musl")
    with chevron("--rootfs", "tree", "--smp", "1") as console:
        console.command("/bin/burn 1")
        console.command("silo limit linux cpu 2%")
        console.command("/bin/burn 20000 &")
        started = time.monotonic()
        for _ in range(10):
            expect("linux" in console.command("silo list"), "silo list shows nothing")
        expect(time.monotonic() - started < 10, "a throttled silo holds up the shell")
        # A throttled silo is killed at once.
        expect(console.command("silo kill linux.0").strip() == "", "silo kill failed")
        expect("linux.0" in console.command("silo list"), "the shell does not outlive a throttled silo")
        expect(time.monotonic() - started < 15, "a throttled silo does not die")


@scenario("sched.cpu_offline", timeout=180)
def cpu_offline():
    compile_static("tree/bin/burn", BURN, "musl")
    compile_static("tree/bin/spinners", SPINNERS, "musl")
    with chevron("--rootfs", "tree", "--smp", "2") as console:
        expect(console.command("cpu list").count("online") == 2, "cpu list does not show two CPUs")
        console.command("/bin/burn 60000 &")
        for _ in range(5):
            shown = console.command("cpu offline 1")
            expect(shown.strip() == "", f"cpu offline 1 failed: {shown}")
            expect(re.search(r"^1 +offline", console.command("cpu list"), re.MULTILINE), "CPU 1 is not offline")
            rounds = [int(word) for word in console.command("/bin/spinners", 60).split()]
            expect(min(rounds) > 0, f"not everybody runs on one CPU: {rounds}")
            shown = console.command("cpu online 1")
            expect(shown.strip() == "", f"cpu online 1 failed: {shown}")
            expect(re.search(r"^1 +online", console.command("cpu list"), re.MULTILINE), "CPU 1 is not online")
        rounds = [int(word) for word in console.command("/bin/spinners", 60).split()]
        expect(min(rounds) > 0, f"not everybody runs on two CPUs: {rounds}")
        console.command("cpu offline 1")
        expect("stays online" in console.command("cpu offline 0") or "last CPU" in console.text, "the last CPU went offline")
        expect("no such CPU" in console.command("cpu online 7"), "an unknown CPU is no error")


class Monitor:
    """QEMU's machine protocol, on the socket that `run --monitor` makes."""

    def __init__(self, path: str):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(20)
        self._socket.connect(path)
        self._file = self._socket.makefile("rw")
        self._file.readline()
        self.call("qmp_capabilities")

    def call(self, name: str, **arguments):
        self._file.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self._file.flush()
        while True:
            answer = json.loads(self._file.readline())
            if "error" in answer:
                raise AssertionError(f"{name}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    def plug_processor(self, socket_number: int) -> None:
        for slot in self.call("query-hotpluggable-cpus"):
            if slot["props"]["socket-id"] == socket_number:
                return self.call("device_add", driver=slot["type"], id=f"cpu{socket_number}", **slot["props"])
        raise AssertionError(f"no socket {socket_number}")


@scenario("sched.cpu_hot_add", timeout=120, only=("x86_64",))
def cpu_hot_add():
    """A processor that the emulator's monitor plugs in is heard of, and runs programs once it is put to use."""
    compile_static("tree/bin/affinity", AFFINITY, "musl")
    compile_static("tree/bin/spinners", SPINNERS, "musl")
    options = ("--rootfs", "tree", "--machine", "q35", "--smp", "1", "--smp-limit", "3", "--monitor", "monitor")
    with chevron(*options) as console:
        monitor = Monitor("monitor")
        shown = console.command("cpu list")
        expect(re.findall(r"^\d +(\w+)", shown, re.MULTILINE) == ["online", "offline", "offline"], shown)
        expect("does not answer" in console.command("cpu online 1"), "a CPU that is not there goes online")
        # Out of order, and both before anybody looks.
        for number in (2, 1):
            monitor.plug_processor(number)
            console.until("silo logs device-manager", f"CPU {number} was plugged in")
        for number in (1, 2):
            shown = console.command(f"cpu online {number}")
            expect(shown.strip() == "", f"cpu online {number} failed: {shown}")
        shown = console.command("cpu list")
        expect(re.findall(r"^\d +(\w+)", shown, re.MULTILINE) == ["online"] * 3, shown)
        lines = console.command("/bin/affinity", 60).splitlines()
        expect(lines[:5] == ["cpus 3", *["elsewhere 0", "child elsewhere 0"] * 2], f"programs do not run where they should: {lines}")
        console.command("/bin/spinners", 60)
        switches = [int(console.command(f"cat /kernel/cpu/{number}/switches")) for number in (1, 2)]
        expect(min(switches) > 0, f"a CPU that was plugged in runs nothing: {switches}")
        console.command("cpu offline 1")
        expect(console.command("cpu online 1").strip() == "", "a CPU that was plugged in does not come back")


AFFINITY = r"""
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static int wrong(int wanted) {
    int other = 0;
    for (int round = 0; round < 200; ++round) {
        for (volatile int i = 0; i < 20000; ++i) {}
        if (sched_getcpu() != wanted) ++other;
        if (round % 20 == 0) usleep(1000);
    }
    return other;
}
int main(void) {
    cpu_set_t set;
    sched_getaffinity(0, sizeof(set), &set);
    printf("cpus %d\n", CPU_COUNT(&set));
    for (int cpu = 1; cpu >= 0; --cpu) {
        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        if (sched_setaffinity(0, sizeof(set), &set)) perror("sched_setaffinity");
        printf("elsewhere %d\n", wrong(cpu));
        fflush(stdout);
        if (!fork()) {
            printf("child elsewhere %d\n", wrong(cpu));
            fflush(stdout);
            _exit(0);
        }
        wait(0);
    }
    char line[128];
    FILE* status = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof(line), status))
        if (!strncmp(line, "Cpus_allowed:", 13)) printf("%s", line);
    CPU_ZERO(&set);
    CPU_SET(40, &set);
    printf("absent %d\n", sched_setaffinity(0, sizeof(set), &set));
    return 0;
}
"""


@scenario("sched.affinity")
def affinity():
    compile_static("tree/bin/affinity", AFFINITY, "musl")
    result = run("/bin/affinity", options=["--rootfs", "tree", "--smp", "2"]).check()
    expected = ["cpus 2", *["elsewhere 0", "child elsewhere 0"] * 2, "absent -1"]
    lines = result.text.splitlines()
    expect([line for line in lines if "Cpus" not in line] == expected, result.text)
    expect(any(re.fullmatch(r"Cpus_allowed:\t0*1", line) for line in lines), result.text)


@scenario("sched.idle_is_tickless")
def idle_is_tickless():
    with chevron("--smp", "2") as console:
        def timer_interrupts() -> int:
            return sum(int(line.split()[2]) for line in console.command("irq").splitlines()[1:] if line.split())
        before = timer_interrupts()
        time.sleep(4)
        after = timer_interrupts()
        expect(after - before < 200, f"{after - before} timer interrupts in four seconds of idling")


# A thread that wakes now and then beside others that never sleep: how late it is at most, in milliseconds.
LATENCY = r"""
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
int main(void) {
    pid_t children[4];
    for (int i = 0; i < 4; ++i)
        if (!(children[i] = fork()))
            for (;;) {}
    usleep(300000);
    long total = 0;
    for (int round = 0; round < 50; ++round) {
        struct timespec start, now, pause = {0, 5000000};
        clock_gettime(CLOCK_MONOTONIC, &start);
        nanosleep(&pause, 0);
        clock_gettime(CLOCK_MONOTONIC, &now);
        total += (now.tv_sec - start.tv_sec) * 1000000 + (now.tv_nsec - start.tv_nsec) / 1000 - 5000;
    }
    for (int i = 0; i < 4; ++i) { kill(children[i], SIGKILL); waitpid(children[i], 0, 0); }
    printf("%ld\n", total / 50);
    return 0;
}
"""


@scenario("sched.interactive_latency")
def interactive_latency():
    compile_static("tree/bin/latency", LATENCY, "musl")
    result = run("/bin/latency", options=["--rootfs", "tree", "--smp", "1"]).check()
    # Behind four threads with slices of 10 ms it would be some 40 ms without feedback.
    expect(int(result.text) < 8000, f"a thread that sleeps is {result.text.strip()} us late on average beside four that spin")


# One real time thread that spins, on one CPU, for two seconds: what gets a time-shared one meanwhile?
REAL_TIME = r"""
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static long ms(void) { struct timespec now; clock_gettime(CLOCK_MONOTONIC, &now); return now.tv_sec * 1000 + now.tv_nsec / 1000000; }
static void spin(volatile unsigned long* rounds, long until) { while (ms() < until) ++*rounds; }
int main(void) {
    volatile unsigned long* rounds = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct sched_param high = {.sched_priority = 50};
    long until = ms() + 3000;
    if (!fork()) { usleep(100000); spin(&rounds[0], until); _exit(0); }
    if (!fork()) {
        if (syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &high)) perror("sched_setscheduler");
        usleep(100000);
        spin(&rounds[16], until);
        _exit(0);
    }
    wait(0);
    wait(0);
    printf("shared %lu fifo %lu\n", rounds[0], rounds[16]);
    return 0;
}
"""


@scenario("sched.real_time")
def real_time():
    compile_static("tree/bin/burn", BURN, "musl")
    compile_static("tree/bin/real_time", REAL_TIME, "musl")
    with chevron("--rootfs", "tree", "--smp", "1") as console:
        console.command("/bin/burn 1")
        console.command("silo limit linux priority 31")
        shown = console.command("/bin/real_time", 60)
        found = re.search(r"shared (\d+) fifo (\d+)", shown)
        expect(found, shown)
        shared, fifo = int(found[1]), int(found[2])
        expect(fifo > 8 * shared, f"real time does not come first: {shown}")
        expect(shared > 0, f"real time starves the others: {shown}")


LENDING = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static long now_ms(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000 + t.tv_nsec / 1000000; }
static void burn(long ms) { for (long end = now_ms() + ms; now_ms() < end;) continue; }
static void become(int priority) {
    struct sched_param p = {.sched_priority = priority};
    if (sched_setscheduler(0, SCHED_FIFO, &p)) exit(9);
}
static pthread_mutex_t lock;
static volatile int is_locked;
static void* low(void* unused) {
    become(1);
    pthread_mutex_lock(&lock);
    is_locked = 1;
    // The CPU goes to the others here.
    for (int i = 0; i < 40; ++i) burn(1);
    pthread_mutex_unlock(&lock);
    return unused;
}
static void* middle(void* unused) { become(50); burn(900); return unused; }
static long inversion(int protocol) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setprotocol(&attributes, protocol);
    pthread_mutex_init(&lock, &attributes);
    is_locked = 0;
    pthread_t first, second;
    become(99);
    pthread_create(&first, 0, low, 0);
    while (!is_locked) usleep(1000);
    pthread_create(&second, 0, middle, 0);
    long begin = now_ms();
    pthread_mutex_lock(&lock);
    long waited = now_ms() - begin;
    pthread_mutex_unlock(&lock);
    pthread_join(first, 0);
    pthread_join(second, 0);
    return waited;
}
// Exclusion, with and without contention.
static long sum;
static void* add(void* unused) {
    for (int i = 0; i < 20000; ++i) { pthread_mutex_lock(&lock); ++sum; if (i % 64 == 0) sched_yield(); pthread_mutex_unlock(&lock); }
    return unused;
}
static int futex(unsigned* word, int operation, struct timespec* deadline) { return syscall(SYS_futex, word, operation, 0, deadline, 0, 0) ? errno : 0; }
static unsigned words[2];
static int met;
static void* crosswise(void* index) {
    long own = (long)index;
    futex(&words[own], FUTEX_LOCK_PI, 0);
    __atomic_fetch_add(&met, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&met, __ATOMIC_SEQ_CST) < 2) sched_yield();
    long error = futex(&words[!own], FUTEX_LOCK_PI, 0);
    if (!error) futex(&words[!own], FUTEX_UNLOCK_PI, 0);
    futex(&words[own], FUTEX_UNLOCK_PI, 0);
    return (void*)error;
}
static unsigned held;
static void* hold(void* unused) { futex(&held, FUTEX_LOCK_PI, 0); usleep(300000); futex(&held, FUTEX_UNLOCK_PI, 0); return unused; }
static void* die_with(void* mutex) { pthread_mutex_lock(mutex); usleep(100000); return 0; }
int main(int argc, char** argv) {
    if (argc > 1) {
        // As real-time programs do: a page of code that had to be read would wait for the disk's driver, behind `middle`.
        extern char __executable_start[], _end[];
        for (char* page = __executable_start; page < _end; page += 4096) mlock(page, 4096);   // but for gaps
        long without = inversion(PTHREAD_PRIO_NONE), with = inversion(PTHREAD_PRIO_INHERIT);
        printf("without %ld with %ld\n", without, with);
        return 0;
    }
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&lock, &attributes);
    pthread_t threads[4];
    for (int i = 0; i < 4; ++i) pthread_create(&threads[i], 0, add, 0);
    for (int i = 0; i < 4; ++i) pthread_join(threads[i], 0);
    printf("sum %ld word %x\n", sum, *(unsigned*)&lock);

    unsigned word = 0;
    int self = syscall(SYS_gettid);
    struct timespec soon;
    int results[8] = {futex(&word, FUTEX_LOCK_PI, 0), word == (unsigned)self, futex(&word, FUTEX_LOCK_PI, 0), futex(&word, FUTEX_TRYLOCK_PI, 0)};
    results[4] = futex(&word, FUTEX_UNLOCK_PI, 0);
    results[5] = futex(&word, FUTEX_UNLOCK_PI, 0);
    word = 1;   // init, which never unlocks it
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 20000000;
    if (soon.tv_nsec >= 1000000000) { soon.tv_nsec -= 1000000000; ++soon.tv_sec; }
    results[6] = futex(&word, FUTEX_LOCK_PI, &soon) != ETIMEDOUT && futex(&word, FUTEX_LOCK_PI, &soon) != ESRCH;
    struct timespec past = {1, 0};
    pthread_create(&threads[0], 0, hold, 0);
    while (!__atomic_load_n(&held, __ATOMIC_SEQ_CST)) sched_yield();
    int late = futex(&held, FUTEX_LOCK_PI, &past);
    pthread_join(threads[0], 0);
    printf("late %d\n", late == ETIMEDOUT);
    word = 29999;   // nobody
    results[7] = futex(&word, FUTEX_LOCK_PI, 0);
    for (int i = 0; i < 8; ++i) printf("%d ", results[i]);
    puts("");

    for (long i = 0; i < 2; ++i) pthread_create(&threads[i], 0, crosswise, (void*)i);
    void* errors[2];
    for (int i = 0; i < 2; ++i) pthread_join(threads[i], &errors[i]);
    printf("crosswise %d %x %x\n", (errors[0] == (void*)EDEADLK) + (errors[1] == (void*)EDEADLK), words[0], words[1]);

    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_t* robust = aligned_alloc(64, sizeof *robust);
    pthread_mutex_init(robust, &attributes);
    pthread_create(&threads[0], 0, die_with, robust);
    usleep(50000);
    int waited = pthread_mutex_lock(robust);
    printf("died %d %d\n", waited == EOWNERDEAD, pthread_mutex_consistent(robust));
    pthread_mutex_unlock(robust);
    return 0;
}
"""


@scenario("sched.futexes_lend_priority", timeout=120)
def futexes_lend_priority():
    compile_static("tree/bin/lending", LENDING)
    for processors in ("1", "2"):
        run("/bin/lending", options=["--rootfs", "tree", "--smp", processors]).check(
            stdout="sum 80000 word 0\nlate 1\n0 1 35 35 0 1 0 3 \ncrosswise 1 0 0\ndied 1 0\n")
    with chevron("--rootfs", "tree", "--smp", "1") as console:
        console.command("/bin/true")
        console.command("silo limit linux priority 31")
        shown = console.command("/bin/lending inversion", 60)
        found = re.search(r"without (\d+) with (\d+)", shown)
        expect(found, shown)
        without, lent = int(found[1]), int(found[2])
        expect(without >= 700, f"nobody was in the way: {shown}")
        expect(lent < 400, f"the owner of the lock stayed where it was: {shown}")
