"""Programs that break every rule die with the right signal, and the system goes on."""
import re
import time

from harness import ARCHITECTURE, FULL_MACHINE, chevron, compile_static, copy_busybox, expect, run, scenario, write_file

CRASHES = r"""
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static void recurse(volatile char* p) { volatile char area[4096]; area[0] = *p; recurse(area); __asm__ volatile("" ::"r"(area)); }
static unsigned char text[] = {0xc3};   // memory that no machine may execute
static void crash(int kind) {
    switch (kind) {
CASES
    }
}
int main(void) {
    for (int kind = 0; kind < COUNT; ++kind) {
        fflush(stdout);
        pid_t child = fork();
        if (!child) { crash(kind); _exit(0); }
        int status; waitpid(child, &status, 0);
        printf("%d:%d ", kind, WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status));
    }
    puts("alive");
    return 0;
}
"""
# SIGILL 4, SIGTRAP 5, SIGFPE 8, SIGSEGV 11, as Linux gives them; None depends on the processor.
EVERYWHERE = [
    ("*(volatile int*)0 = 1;", 11), ("*(volatile long*)0xffffffff80000000 = 1;", 11), ("*(volatile long*)0xffff800000000000 = 1;", 11),
    ("*(volatile long*)0x8000000000000000 = 1;", 11), ("((void (*)(void))0xdead0000)();", 11),
    ("((void (*)(void))(unsigned long)text)();", 11), ("recurse((volatile char*)&kind);", 11),
]
INSTRUCTIONS = {
    "x86_64": [
        ("ud2", 4), ("mov $1, %%eax; cltd; xor %%ecx, %%ecx; idivl %%ecx", 8), ("hlt", 11), ("cli", 11), ("int3", 5), ("mov %%rax, %%cr3", 11),
        ("mov $0xc0000082, %%ecx; wrmsr", 11), ("outb %%al, $0x80", 11), ("mov $0, %%rsp; push %%rax", 11),
        ("mov $0x8000000000000000, %%rsp; mov $39, %%eax; syscall; push %%rax", None), ("int $0x21", 11),
        # Alignment checks, which emulators leave out.
        ("pushf; orq $0x40000, (%%rsp); popf; mov %%rsp, %%rax; inc %%rax; mov (%%rax), %%rbx", None),
        ("mov $0x33, %%ax; mov %%ax, %%ss; ud2", None), ("lgdt (%%rsp)", 11), ("swapgs", 11), ("iretq", 11), ("sysretq", 11),
    ],
    "aarch64": [
        ("udf #0", 4), ("brk #0", 5), ("hlt #0", 4), ("msr daifset, #2", 4), ("mrs x0, ttbr0_el1", 4), ("msr vbar_el1, x0", 4), ("eret", 4),
        ("hvc #0", 4), ("smc #0", 4), ("tlbi vmalle1", 4), ("mov x0, #0; mov sp, x0; str x0, [sp, #-16]!", 11),
        ("mov x0, #1; lsl x0, x0, #63; mov sp, x0; mov x8, #172; svc #0; str x0, [sp, #-16]!", 11),
    ],
    "riscv64": [
        ("unimp", 4), ("ebreak", 5), (".word 0xffffffff", 4), ("csrr a0, sstatus", 4), ("csrw stvec, a0", 4), ("csrw satp, zero", 4), ("sret", 4),
        ("mret", 4), ("sfence.vma", 4), ("li sp, 0; sd a0, -8(sp)", 11), ("li sp, 1; slli sp, sp, 63; li a7, 172; ecall; sd a0, -8(sp)", 11),
    ],
}
KINDS = [*EVERYWHERE, *((f'__asm__ volatile("{text}" :);', signal) for text, signal in INSTRUCTIONS[ARCHITECTURE])]
CASES = "\n".join(f"    case {kind}: {statement} break;" for kind, (statement, _) in enumerate(KINDS))
CRASHES = CRASHES.replace("CASES", CASES).replace("COUNT", str(len(KINDS)))
EXPECTED = {kind: str(signal) for kind, (_, signal) in enumerate(KINDS) if signal is not None}


@scenario("hostile.crashes", timeout=180)
def crashes():
    compile_static("tree/bin/crashes", CRASHES)
    for processors in ("1", "2"):
        result = run("/bin/crashes", options=["--rootfs", "tree", "--smp", processors]).check(contains="alive")
        seen = dict(pair.split(":") for pair in result.text.split() if ":" in pair)
        wrong = {kind: seen.get(str(kind)) for kind, signal in EXPECTED.items() if seen.get(str(kind)) != signal}
        expect(not wrong, f"{processors} processors: other signals than expected: {wrong}")


@scenario("hostile.null_pointer")
def null_pointer():
    compile_static("tree/bin/null", "int main(void) { return *(volatile int*)0; }\n")
    run("/bin/null", options=["--rootfs", "tree"]).check(status=139, stdout=b"")


@scenario("hostile.crash_dump_in_logs")
def crash_dump_in_logs():
    compile_static("tree/bin/null", "int main(void) { return *(volatile int*)0; }\n")
    with chevron("--rootfs", "tree") as console:
        console.command("/bin/null")
        expect("139" in console.command("echo $?"), "$? is not 139")
        logs = console.command("silo logs linux")
        expect("SIGSEGV" in logs and re.search(r"\b(rip|pc) +[0-9a-f]{16}", logs), f"no dump in the logs:\n{logs}")


CALLS = r"""
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
static unsigned long state;
static unsigned long next(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return state; }
int main(int argc, char** argv) {
    char* page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(page + 4096, 4096, PROT_NONE);
    unsigned long bad[] = {0, 1, 8, 4095, (unsigned long)page, (unsigned long)page + 4090, (unsigned long)page + 4096,
        0x7fffffffffff, 0x7ffffffff000, 0x800000000000, 0xffff800000000000, 0xffffffff80000000, ~0UL, ~0UL - 4095,
        1UL << 63, 1UL << 32, (1UL << 32) - 1, 0x7fffffff, 3, 100, (unsigned long)"/tmp/x", (unsigned long)"/proc/self/mem"};
    int rounds = argc > 1 ? atoi(argv[1]) : 100, calls = 0;
    for (int round = 0; round < rounds; ++round) {
        pid_t child = fork();
        if (!child) {
            state = 88172645463325252UL + (unsigned long)round * 7919;
            struct rlimit limit = {2, 2}; setrlimit(RLIMIT_CPU, &limit);
            for (int i = 0; i < 200; ++i) {
                long number = (long)(next() % 460);
                // Not those that end, stop or multiply this process, or kill its neighbours.
#ifdef SYS_fork
                if (number == SYS_fork || number == SYS_vfork || number == SYS_pause) continue;
#endif
                if (number == SYS_exit || number == SYS_exit_group || number == SYS_clone || number == SYS_clone3 ||
                    number == SYS_kill || number == SYS_tkill || number == SYS_tgkill ||
                    number == SYS_reboot || number == SYS_rt_sigsuspend || number == SYS_rt_sigqueueinfo || number == SYS_rt_tgsigqueueinfo) continue;
                unsigned long a[6];
                for (int j = 0; j < 6; ++j) a[j] = bad[next() % (sizeof bad / sizeof *bad)];
                alarm(1);
                syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
                ++calls;
            }
            _exit(0);
        }
        int status; waitpid(child, &status, 0);
    }
    puts("alive");
    return 0;
}
"""


@scenario("hostile.bad_arguments_to_every_call", timeout=300)
def bad_arguments_to_every_call():
    """Random calls with bad pointers, lengths and descriptors: none may harm anything but the process that made it."""
    compile_static("tree/bin/calls", CALLS, "musl")
    for processors in ("1", "2"):
        run("/bin/calls", "150", options=["--rootfs", "tree", "--smp", processors], timeout=120).check(contains="alive")


@scenario("hostile.random_syscalls", timeout=120)
def random_syscalls():
    """Random native system calls from several threads, with handles that come and go: nothing else notices."""
    for options in (("--smp", "1"), ("--smp", "2", *FULL_MACHINE)):
        with chevron(*options) as console:
            console.command("strate start syscall-fuzzer")
            for _ in range(60):
                shown = console.command("strate info syscall-fuzzer")
                if re.search(r"^state +(finished|crashed)", shown, re.MULTILINE):
                    break
                time.sleep(0.3)
            logs = console.command("strate logs syscall-fuzzer")
            expect(re.search(r"^state +finished", shown, re.MULTILINE) and "random calls" in logs, shown + logs)
            expect("running" in console.command("strate info ramfs"), "another strate did not survive")


@scenario("hostile.damaged_programs", timeout=240)
def damaged_programs():
    """Damaged ELF files are refused or die alone."""
    import os
    import random

    copy_busybox("tree/bin/busybox")
    compile_static("good", "int main(void) { return 0; }\n", "musl")
    with open("good", "rb") as file:
        good = file.read()
    generator = random.Random(6)
    names = []
    for number in range(60):
        bad = bytearray(good[: generator.choice([len(good), 40, 64, 100, 300, 5000])])
        for _ in range(generator.choice([1, 4, 16])):
            bad[generator.randrange(min(len(bad), 400))] = generator.randrange(256)
        names.append(f"bad{number}")
        with open(f"tree/bin/{names[-1]}", "wb") as file:
            file.write(bad)
        os.chmod(f"tree/bin/{names[-1]}", 0o755)
    script = "; ".join(f"timeout 2 /bin/{name}" for name in names) + "; echo alive"
    run("/bin/busybox", "sh", "-c", script, options=["--rootfs", "tree"], timeout=180).check(contains="alive")


@scenario("hostile.fork_bomb", timeout=180)
def fork_bomb():
    source = "#include <unistd.h>\n#include <stdio.h>\n#include <errno.h>\n" \
             'int main(void) { int n = 0; while (n < 100000) { pid_t p = fork(); if (p < 0) break; if (!p) { pause(); } ++n; }\n' \
             'printf("%d %d\\n", n > 50, errno == EAGAIN || errno == ENOMEM); return 0; }\n'
    compile_static("tree/bin/bomb", source, "musl")
    run("/bin/bomb", options=["--rootfs", "tree", "--memory", "64M"], timeout=120).check(stdout="1 1\n")


CHANGING_MAPPINGS = r"""
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
static char* const page = (char*)0x10000000;
static volatile int stop;
static volatile long faults, touches;
static void handler(int number) { (void)number; ++faults; }
static void* change(void* unused) {
    while (!stop) {
        mprotect(page, 4096, PROT_NONE);
        mprotect(page, 4096, PROT_READ | PROT_WRITE);
        munmap(page, 4096);
        mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    return unused;
}
static void* touch(void* unused) {
    while (!stop) { ++*(volatile char*)page; ++touches; }
    return unused;
}
int main(void) {
    signal(SIGSEGV, handler);
    pthread_t threads[3];
    pthread_create(&threads[0], 0, change, 0);
    for (int i = 1; i < 3; ++i) pthread_create(&threads[i], 0, touch, 0);
    sleep(3);
    stop = 1;
    for (int i = 0; i < 3; ++i) pthread_join(threads[i], 0);
    printf("%s\n", touches > 0 ? "alive" : "no progress");
    return 0;
}
"""


@scenario("hostile.mappings_that_change_under_a_fault")
def mappings_that_change_under_a_fault():
    """A page that is there again when its fault is looked at is no reason to kill anybody."""
    compile_static("tree/bin/changing", CHANGING_MAPPINGS, "musl")
    for processors in ("1", "2"):
        run("/bin/changing", options=["--rootfs", "tree", "--smp", processors]).check(stdout="alive\n")


PIPES = r"""
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static char data[65536];
int main(void) {
    int ends[2], made = 0;
    while (pipe(ends) == 0) {
        fcntl(ends[1], F_SETFL, O_NONBLOCK);
        fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
        errno = 0;
        while (write(ends[1], data, sizeof data) > 0) {}
        if (errno == ENOMEM) break;
        ++made;
    }
    printf("%d %s\n", made > 20, strerror(errno));
    return 0;
}
"""


@scenario("limits.memory_of_pipes")
def memory_of_pipes():
    """What the personality itself needs for a program runs out as an error, not as the personality's end."""
    compile_static("tree/bin/pipes", PIPES, "musl")
    import subprocess

    copy_busybox("tree/bin/sh")
    for processors in ("1", "2"):
        result = run("/bin/sh", "-c", "/bin/pipes; echo alive", options=["--rootfs", "tree", "--memory", "96M", "--smp", processors])
        result.check()
        expect(re.fullmatch("1 (Out of memory|Cannot allocate memory)\nalive\n", result.text), result.text)   # as each C library says it


HOG = r"""
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
int main(void) {
    long megabytes = 0;
    for (; megabytes < 4096; ++megabytes) {
        char* area = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (area == MAP_FAILED) break;
        memset(area, 1, 1 << 20);
    }
    printf("%ld %s\n", megabytes, strerror(errno));
    return 0;
}
"""


@scenario("limits.memory_of_the_machine")
def memory_of_the_machine():
    """A program that takes all there is gets an error or is killed; a run in the same machine afterwards works."""
    compile_static("tree/bin/hog", HOG, "musl")

    copy_busybox("tree/bin/sh")
    result = run("/bin/sh", "-c", "/bin/hog; echo status $?; echo alive", options=["--rootfs", "tree", "--memory", "128M"])
    result.check(contains="alive")
    expect("Cannot allocate memory" in result.text or "Out of memory" in result.text or "137" in result.text, result.text)


SHORTAGE = r"""
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static int compare(void const* left, void const* right) { return *(char const*)left - *(char const*)right; }
static void work_now_and_then(void) {
    for (int round = 0; round < 300; ++round) {
        char text[64];
        snprintf(text, sizeof text, "%f %d", round * 1.5, round);
        qsort(text, 10, 1, compare);
        usleep(5000);
    }
    _exit(0);
}
static void eat(void) {
    char* const area = mmap(0, 10 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (int round = 0; round < 20; ++round)
        for (long at = 0; at < 10 << 20; at += 4096) area[at] = round;
    usleep(100000);
    _exit(0);
}
int main(void) {
    int status, killed = 0, wrong = 0, of_bystander = -1;
    pid_t const bystander = fork();
    if (bystander == 0) work_now_and_then();
    for (int index = 0; index < 10; ++index)
        if (fork() == 0) eat();
    for (pid_t ended; (ended = wait(&status)) > 0;) {
        if (ended == bystander) of_bystander = status;
        else if (status == 9) ++killed;
        else if (status != 0) ++wrong;
    }
    printf("bystander %d, some killed %d, ended otherwise %d\n", of_bystander, killed > 0, wrong);
    return 0;
}
"""


@scenario("limits.shortage_of_the_machine", timeout=240)
def shortage_of_the_machine():
    """When the machine itself is out of memory, its greediest programs are killed; others get their code's pages all the same."""
    compile_static("tree/bin/shortage", SHORTAGE)
    for processors in ("1", "2", "1", "2"):
        result = run("/bin/shortage", options=["--rootfs", "tree", "--memory", "64M", "--smp", processors], timeout=60)
        result.check(stdout="bystander 0, some killed 1, ended otherwise 0\n", status=0)


LARGEST = r"""
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static void hold(size_t bytes) {
    memset(mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), 1, bytes);
}
int main(void) {
    int ready[2], status = 0;
    char byte = 0;
    pipe(ready);
    pid_t const child = fork();
    if (child == 0) {
        hold(26 << 20);
        write(ready[1], &byte, 1);
        pause();
    }
    read(ready[0], &byte, 1);
    hold(24 << 20);
    waitpid(child, &status, 0);
    printf("the other one got signal %d\n", WTERMSIG(status));
    return 0;
}
"""


# Takes so many megabytes: by writing there itself, or by letting a system call write there.
EATER = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int count, char** words) {
    char* const area = mmap(0, 1 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    int const zeroes = open("/dev/zero", O_RDONLY);
    for (long at = 0, end = atol(words[2]) << 20; at < end; at += 100000) {
        if (!strcmp(words[1], "write")) memset(area + at, 1, 100000);
        else if (read(zeroes, area + at, 100000) < 0) return perror("read"), 1;
    }
    puts("got it all");
    return 0;
}
"""


@scenario("limits.largest_process_of_a_silo", timeout=240)
def largest_process_of_a_silo():
    """A page that a silo cannot have is paid for by the largest of its programs; its other programs and other silos go on."""
    compile_static("tree/bin/largest", LARGEST, "musl")
    compile_static("tree/bin/eater", EATER, "musl")
    copy_busybox("tree/bin/sh")
    write_file("tree/bin/feed", "(while :; do :; done) & /bin/eater $1 1000; echo status $?; kill -0 $! && echo others live; kill $!\n")
    write_file("tree/bin/again", "for word in 1 2 3 4 5 6 7 8; do /bin/eater write 40; done\n")
    for processors, mode in (("1", "kernel"), ("2", "kernel"), ("2", "user")):
        with chevron("--rootfs", "tree", "--smp", processors, "--isolation", mode) as console:
            console.command("/bin/sh -c true")  # the silo exists once a program has run in it
            before = {name: re.search(rf"^ *(\d+) +{name} .*", console.command("silo list"), re.MULTILINE)[1] for name in ("ext4", "linux.0")}
            console.command("silo limit linux memory 64M")
            for way in ("write", "read"):
                shown = console.command(f"/bin/sh /bin/feed {way}", 60)
                expect("status 137" in shown and "others live" in shown, f"{way}, --smp {processors}, {mode}: {shown!r}")
            expect(console.command("silo logs linux").count("killed: out of memory") == 2, "the silo's log does not name the victims")
            # What a program had is free when its end is known, on whichever processor it ran.
            expect(console.command("/bin/sh /bin/again", 60).count("got it all") == 8, "memory of programs that have ended is missing")
            console.command("silo limit linux memory 48M")
            shown = console.command("/bin/largest", 60)
            expect("the other one got signal 9" in shown, f"--smp {processors}, {mode}: the wrong process went: {shown!r}")
            expect(re.search(r"eater\[\d+\] killed(.|\n)*largest\[\d+\] killed", console.command("silo logs linux")), "the log does not say who went")
            shown = console.command("silo list")
            for name, number in before.items():
                expect(re.search(rf"^ *{number} +{name} +running", shown, re.MULTILINE), f"{name} is another one now:\n{shown}")


GROWING = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
int main(void) {
    char* const area = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    puts(mremap(area, 1 << 20, 1 << 30, MREMAP_MAYMOVE) == MAP_FAILED ? strerror(errno) : "promised");
    return 0;
}
"""


@scenario("limits.memory_of_a_silo")
def memory_of_a_silo():
    compile_static("tree/bin/hog", HOG, "musl")
    compile_static("tree/bin/growing", GROWING, "musl")
    with chevron("--rootfs", "tree") as console:
        console.command("/bin/hog > /dev/null", 60)  # the silo exists once a program has run in it
        console.command("silo limit linux memory 48M")
        shown = console.command("/bin/hog", 60)
        expect("memory" in shown and int(shown.split()[0]) < 48, f"the limit did not bite: {shown!r}")
        shown = console.command("/bin/growing")
        expect("memory" in shown, f"more was promised than the limit: {shown!r}")
        expect("running" in console.command("silo info linux"), "the silo is gone")
        expect("ext4" in console.command("silo list"), "the rest noticed")
