"""Linux programs: what a static busybox and small C programs need, seen from outside."""
import os
import re
import time

from harness import Terminal, compile_static, expect, run, scenario


def shell(script: str, *options: str, status: int = 0, timeout: float = 60):
    return run("sh", "-c", script, options=options, timeout=timeout).check(status=status)


@scenario("linux.pipelines")
def pipelines():
    shell("seq 1 1000 | grep 7 | sort -rn | head -n 3 | tr '\\n' ' '").check(stdout="997 987 979 ")
    shell("for i in 1 2 3 4 5; do echo $i; done | while read x; do echo $((x * x)); done").check(stdout="1\n4\n9\n16\n25\n")
    shell("yes | head -c 1000000 | wc -c").check(stdout="1000000\n")


@scenario("linux.files")
def files():
    shell("cd /tmp; mkdir -p a/b; echo one > a/b/f; echo two >> a/b/f; ln -s b/f a/l; ln a/b/f a/h; cat a/l; "
          "mv a/h a/g; rm a/b/f; cat a/g; rmdir a/b; ls a; chmod 640 a/g; stat -c %a a/g; "
          "dd if=/dev/zero of=z bs=4096 count=256 2>/dev/null; stat -c %s z; truncate -s 10 z; stat -c %s z; "
          "touch -d '2001-02-03 04:05:06' z; date -r z +%Y-%m-%d; find . -type f | sort").check(
        stdout="one\ntwo\none\ntwo\ng\nl\n640\n1048576\n10\n2001-02-03\n./a/g\n./z\n")


@scenario("linux.here_documents_and_substitution")
def here_documents():
    shell("cat <<END\n$((6 * 7)) $(echo nested $(echo deeper))\nEND").check(stdout="42 nested deeper\n")


@scenario("linux.processes")
def processes():
    shell("(sleep 0.1; exit 3) & wait $!; echo $?; (exit 5); echo $?; sh -c 'exit 6' || echo $?").check(stdout="3\n5\n6\n")
    result = shell("for i in 1 2 3 4 5 6 7 8 9 10; do (for j in 1 2 3 4 5 6 7 8 9 10; do true & done; wait) & done; wait; "
                   "ps | wc -l")
    expect(int(result.text) < 20, f"processes are left: {result.text}")


@scenario("linux.signals")
def signals():
    shell("trap 'echo term' TERM; kill -TERM $$; trap 'echo bye' EXIT; (sleep 10; echo late) & sleep 0.3; kill $!; wait $! ; echo $?").check(
        stdout="term\n143\nbye\n")
    shell("timeout -s INT 0.2 sleep 10; echo $?").check(stdout="130\n")


SIGNALS = r"""
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>
static volatile int count;
static sigjmp_buf back;
static void on_signal(int number, siginfo_t* info, void* context) { (void)context; count += number == SIGUSR1 && info->si_pid == getpid(); }
static void on_fault(int number, siginfo_t* info, void* context) { (void)context; if (info->si_addr == (void*)16 && number == SIGSEGV) siglongjmp(back, 1); _exit(9); }
static void on_alarm(int number) { (void)number; ++count; }
int main(void) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, 0);
    sigset_t set; sigemptyset(&set); sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, 0); raise(SIGUSR1); printf("blocked %d\n", count);
    sigprocmask(SIG_UNBLOCK, &set, 0); printf("delivered %d\n", count);
    static char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack}; sigaltstack(&alternate, 0);
    action.sa_sigaction = on_fault; action.sa_flags = SA_SIGINFO | SA_ONSTACK; sigaction(SIGSEGV, &action, 0);
    if (!sigsetjmp(back, 1)) *(volatile int*)16 = 1;
    puts("fault caught");
    struct itimerval timer = {.it_value = {0, 50000}};
    struct sigaction alarm_action = {.sa_handler = on_alarm}; sigaction(SIGALRM, &alarm_action, 0);
    count = 0; setitimer(ITIMER_REAL, &timer, 0);
    int pipes[2]; if (pipe(pipes)) return 1;
    char byte; ssize_t got = read(pipes[0], &byte, 1);
    printf("interrupted %d %s %d\n", (int)got, strerror(errno), count);
    alarm_action.sa_flags = SA_RESTART; sigaction(SIGALRM, &alarm_action, 0);
    if (!fork()) { usleep(200000); write(pipes[1], "x", 1); _exit(0); }
    setitimer(ITIMER_REAL, &timer, 0); got = read(pipes[0], &byte, 1);
    printf("restarted %d %d\n", (int)got, count);
    return 0;
}
"""


@scenario("linux.signal_handlers")
def signal_handlers():
    compile_static("tree/bin/signals", SIGNALS)
    run("/bin/signals", options=["--rootfs", "tree"]).check(
        stdout="blocked 0\ndelivered 1\nfault caught\ninterrupted -1 Interrupted system call 1\nrestarted 1 2\n")


FRAMES = r"""
#include <immintrin.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
enum { look, change, reserve_bits, move, plain, far };
static int what;
static int seen_magic, seen_value, seen_alignment;
static unsigned char elsewhere[4096];
static void on_signal(int number, siginfo_t* info, void* context) {
    (void)number; (void)info;
    ucontext_t* user = context;
    unsigned char* area = (unsigned char*)user->uc_mcontext.fpregs;
    uint32_t magic, size, end; memcpy(&magic, area + 464, 4); memcpy(&size, area + 480, 4); memcpy(&end, area + size, 4);
    seen_magic = magic == 0x46505853 && end == 0x46505845;
    seen_value = area[160]; seen_alignment = (uintptr_t)area % 64 == 0;
    __asm__ volatile("vpxor %%ymm0, %%ymm0, %%ymm0" ::: "xmm0");
    if (what == change) area[160] = 77, area[size > 576 ? 576 : 160] = 78;
    if (what == reserve_bits) area[540] = 1;
    if (what == move) user->uc_mcontext.fpregs = memcpy(elsewhere + 3, area, size + 4);
    if (what == plain) memset(area + 464, 0, 48);
    if (what == far) user->uc_mcontext.fpregs = (void*)0x7f0000000000;
}
static void deliver(int how, int* low, int* high) {
    unsigned char values[32]; memset(values, 5, sizeof values); memset(values + 16, 6, 16);
    what = how;
    __asm__ volatile("vmovdqu (%0), %%ymm0\n mov %1, %%eax\n mov %2, %%edi\n mov %3, %%esi\n syscall\n vmovdqu %%ymm0, (%0)"
                     :: "r"(values), "i"(62), "r"(getpid()), "i"(SIGUSR1) : "rax", "rdi", "rsi", "rcx", "r11", "xmm0", "memory");
    *low = values[0]; *high = values[16];
}
int main(void) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    int low, high;
    for (int on_stack = 0; on_stack < 2; ++on_stack) {
        // Nothing of this stack is in memory yet.
        stack_t stack = {.ss_sp = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), .ss_size = 65536};
        if (on_stack) { sigaltstack(&stack, 0); action.sa_flags |= SA_ONSTACK; }
        sigaction(SIGUSR1, &action, 0);
        deliver(look, &low, &high); printf("%d %d %d: %d %d\n", seen_magic, seen_alignment, seen_value, low, high);
        deliver(change, &low, &high); printf("%d %d\n", low, high);
        deliver(reserve_bits, &low, &high); printf("%d %d\n", low, high);
        deliver(move, &low, &high); printf("%d %d\n", low, high);
        deliver(plain, &low, &high); printf("%d\n", low);
    }
    int status;
    if (!fork()) { deliver(far, &low, &high); _exit(0); }
    wait(&status); printf("far %d\n", WTERMSIG(status));
    if (!fork()) { stack_t stack = {.ss_sp = (void*)0x100000000, .ss_size = 65536}; sigaltstack(&stack, 0); deliver(look, &low, &high); _exit(0); }
    wait(&status); printf("no stack %d\n", WTERMSIG(status));
    return 0;
}
"""


@scenario("linux.signal_frames", only=("x86_64",))
def signal_frames():
    """A handler finds the vector state in its frame, may change it, and may hand back what it likes."""
    compile_static("tree/bin/frames", FRAMES)
    each = "1 1 5: 5 6\n77 78\n5 6\n5 6\n5\n"
    run("/bin/frames", options=["--rootfs", "tree"]).check(stdout=each + each + "far 11\nno stack 11\n")


THREADS = r"""
#include <pthread.h>
#include <stdio.h>
#include <stdint.h>
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static long total; static int whose; static __thread long own;
static void* add(void* argument) {
    double sum = 0;
    for (int i = 0; i < 20000; ++i) { pthread_mutex_lock(&mutex); ++total; pthread_mutex_unlock(&mutex); ++own; sum += (double)(intptr_t)argument / 8; }
    return (void*)(intptr_t)(own + (long)(sum - 20000.0 * (double)(intptr_t)argument / 8));
}
static void* ping(void* argument) {
    int me = (int)(intptr_t)argument;
    for (int i = 0; i < 2000; ++i) {
        pthread_mutex_lock(&mutex);
        while (whose != me) pthread_cond_wait(&turn, &mutex);
        whose = !me; pthread_cond_broadcast(&turn); pthread_mutex_unlock(&mutex);
    }
    return 0;
}
int main(void) {
    pthread_t threads[8]; long owns = 0;
    for (long i = 0; i < 8; ++i) pthread_create(&threads[i], 0, add, (void*)i);
    for (int i = 0; i < 8; ++i) { void* result; pthread_join(threads[i], &result); owns += (long)result; }
    for (long i = 0; i < 2; ++i) pthread_create(&threads[i], 0, ping, (void*)i);
    for (int i = 0; i < 2; ++i) pthread_join(threads[i], 0);
    printf("%ld %ld\n", total, owns);
    return 0;
}
"""


@scenario("linux.threads", timeout=180)
def threads():
    compile_static("tree/bin/threads-glibc", THREADS)
    compile_static("tree/bin/threads-musl", THREADS, "musl")
    for processors in ("1", "2"):
        for name in ("threads-glibc", "threads-musl"):
            run(f"/bin/{name}", options=["--rootfs", "tree", "--smp", processors]).check(stdout="160000 160000\n")


VECTORS = r"""
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
typedef int vector __attribute__((vector_size(32)));
#ifdef __x86_64__
__attribute__((target("avx2")))
#endif
static int work(int seed) {
    vector sum = {seed, seed, seed, seed, seed, seed, seed, seed}, one = sum + 1;
    double part = seed;
    for (int i = 0; i < 3000000; ++i) { sum = (sum ^ one) + one; part = part * 0.999 + i; }
    for (int i = 1; i < 8; ++i) if (sum[i] != sum[0]) return -1;
    return (sum[0] ^ (int)part) & 0x7fffffff;
}
int main(void) {
    int expected[4]; for (int i = 0; i < 4; ++i) expected[i] = work(i);
    for (int i = 0; i < 4; ++i) if (!fork()) _exit(work(i) != expected[i]);
    int bad = 0, status; for (int i = 0; i < 4; ++i) { wait(&status); bad += status != 0; }
    printf("%d wrong\n", bad); return bad;
}
"""


@scenario("linux.vector_registers", timeout=180)
def vector_registers():
    """Wide registers survive preemption: four processes on one processor compute the same sums as each alone."""
    compile_static("tree/bin/vectors", VECTORS)
    for processors in ("1", "2"):
        run("/bin/vectors", options=["--rootfs", "tree", "--smp", processors]).check(stdout="0 wrong\n")


MEMORY = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
static long resident(void) { long size, pages; FILE* file = fopen("/proc/self/statm", "r"); if (!file || fscanf(file, "%ld %ld", &size, &pages) != 2) exit(1); fclose(file); return pages; }
int main(void) {
    char* area = mmap(0, 1L << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    long before = resident();
    for (int i = 0; i < 10; ++i) area[(long)i << 24] = (char)(i + 1);
    printf("touched %d\n", (int)(resident() - before) >= 10 && resident() - before <= 64);
    pid_t child = fork();
    if (!child) { area[0] = 99; _exit(area[0] == 99 && area[1 << 24] == 2 ? 0 : 1); }
    int status; waitpid(child, &status, 0);
    printf("child %d parent %d\n", status, area[0]);
    printf("protect %d\n", mprotect(area, 4096, PROT_READ));
    child = fork(); if (!child) { area[0] = 1; _exit(0); }
    waitpid(child, &status, 0); printf("killed by %d\n", WTERMSIG(status));
    char* shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    child = fork(); if (!child) { strcpy(shared, "written by the child"); _exit(0); }
    waitpid(child, &status, 0); puts(shared);
    char* moved = mremap(area, 4096, 8192, MREMAP_MAYMOVE); printf("moved %d %d\n", moved != MAP_FAILED, moved[0]);
    munmap(area + (1 << 24), 4096);
    int zero = 1; char* fresh = malloc(8 << 20); for (int i = 0; i < 8 << 20; ++i) zero &= fresh[i] == 0; printf("zero %d\n", zero);
    char* grown = sbrk(1 << 20); memset(grown, 7, 1 << 20); printf("break %d\n", grown[(1 << 20) - 1]);
    return 0;
}
"""


COPIES = r"""
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static unsigned char expected(long at) { return (unsigned char)(at * 7 + at / 251); }
int main(void) {
    int file = open("/tmp/copies", O_RDWR | O_CREAT, 0600);
    static unsigned char source[3 * 4096];
    for (long at = 0; at < (long)sizeof source; ++at) source[at] = expected(at);
    if (write(file, source, sizeof source) != sizeof source) return 1;
    unsigned char* area = mmap(0, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(area + 3 * 4096, 4096);
    unsigned char* end = area + 3 * 4096;
    static const long rooms[] = {1, 7, 8, 63, 64, 255, 256, 257, 263, 1000, 4095, 4096, 4097, 8191, 9000};
    int bad = 0;
    for (unsigned index = 0; index < sizeof rooms / sizeof *rooms; ++index) {
        long room = rooms[index];
        for (long length = room - 1; length <= room + 300; length += 43) {
            long possible = length < room ? length : room, from = 5;
            memset(area, 0xee, 3 * 4096);
            long got = pread(file, end - room, length, from);
            if (length > room ? got > possible || (got < 0 && errno != EFAULT) : got != length) ++bad;
            for (long at = 0; at < got; ++at) bad += end[at - room] != expected(from + at);
            if (length < room) bad += end[length - room] != 0xee;
            bad += end[-room - 1] != 0xee;
            if (length <= room) {
                memcpy(end - room, source, room);
                static unsigned char back[3 * 4096];
                bad += pwrite(file, end - room, length, 0) != length || pread(file, back, length, 0) != length || memcmp(back, source, length);
            }
        }
    }
    printf("%d bad\n", bad);
    return bad != 0;
}
"""


@scenario("linux.copies_to_the_last_byte", timeout=120)
def copies_to_the_last_byte():
    """Reads and writes at the end of what is accessible, by every method of copying that the processor has."""
    compile_static("tree/bin/copies", COPIES)
    os.makedirs("tree/tmp")
    for method in ("words", "string-words", "string-bytes"):
        os.environ["ASTRATA_BOOT_WORDS"] = f"copy={method}"
        run("/bin/copies", options=["--rootfs", "tree"]).check(stdout="0 bad\n")


@scenario("linux.memory")
def memory():
    compile_static("tree/bin/memory", MEMORY)
    run("/bin/memory", options=["--rootfs", "tree"]).check(
        stdout="touched 1\nchild 0 parent 1\nprotect 0\nkilled by 11\nwritten by the child\nmoved 1 1\nzero 1\nbreak 7\n")


HOLE = r"""
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
static void on_fault(int number) { puts(number == SIGSEGV ? "protected before the hole" : "?"); fflush(stdout); _Exit(0); }
int main(void) {
    signal(SIGSEGV, on_fault);
    char* pages = mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(pages + 4096, 4096);
    pages[0] = pages[2 * 4096] = 1;
    int result = mprotect(pages, 3 * 4096, PROT_READ);
    printf("%d %d\n", result, errno == ENOMEM);
    pages[2 * 4096] = 2;
    puts("not behind it");
    pages[0] = 2;
    puts("still writable");
}
"""


@scenario("linux.memory_with_a_hole")
def memory_with_a_hole():
    compile_static("tree/bin/hole", HOLE)
    run("/bin/hole", options=["--rootfs", "tree"]).check(stdout="-1 1\nnot behind it\nprotected before the hole\n")


LIMITED = r"""
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static volatile sig_atomic_t too_large, too_long;
static void count_large(int number) { (void)number; ++too_large; }
static void count_long(int number) { (void)number; ++too_long; }
static double seconds(void) { struct timespec now; clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); return now.tv_sec + now.tv_nsec / 1e9; }
static void spin(void) { for (;;) {} }
static int child(void (*work)(void), rlim_t soft, rlim_t hard) {
    int status;
    if (fork() == 0) {
        struct rlimit limit = {soft, hard};
        setrlimit(RLIMIT_CPU, &limit);
        work();
    }
    wait(&status);
    return WTERMSIG(status);
}
static void grandchild(void) { int status; if (fork() == 0) spin(); wait(&status); kill(getpid(), WTERMSIG(status)); }
static void handle(void) {
    signal(SIGXCPU, count_long);
    while (seconds() < 1.5) {}
    if (too_long == 1) spin();
    _exit(1);
}
int main(void) {
    struct rlimit limit = {10000, 10000};
    signal(SIGXFSZ, count_large);
    setrlimit(RLIMIT_FSIZE, &limit);
    int const file = open("/tmp/limited", O_RDWR | O_CREAT | O_TRUNC, 0600);
    char block[4096] = {0};
    long sum = 0, done;
    while ((done = write(file, block, sizeof block)) > 0) sum += done;
    printf("%ld %d %d\n", sum, errno == EFBIG, too_large);
    printf("%d %d\n", pwrite(file, block, 1, 10000) == -1 && errno == EFBIG, ftruncate(file, 10001) == -1 && errno == EFBIG);
    printf("%d %d\n", pwrite(file, block, 1, 9999) == 1, too_large);
    printf("%d %d\n", (int)write(1, "", 0), (int)lseek(file, 0, SEEK_END));
    fflush(stdout);
    if (fork() == 0) { signal(SIGXFSZ, SIG_DFL); write(file, block, 1); _exit(0); }
    int status;
    wait(&status);
    printf("%d\n", WTERMSIG(status) == SIGXFSZ);
    fflush(stdout);
    printf("%d %d %d\n", child(spin, 1, 3) == SIGXCPU, child(handle, 1, 2) == SIGKILL, child(grandchild, 1, 2) == SIGXCPU);
}
"""


@scenario("linux.resource_limits", timeout=120)
def resource_limits():
    compile_static("tree/bin/limited", LIMITED)
    # What a thread that never stops has used shows on other processors too.
    for processors in ("1", "2"):
        run("/bin/limited", options=["--rootfs", "tree", "--smp", processors]).check(stdout="10000 1 1\n1 1\n1 3\n0 10000\n1\n1 1 1\n")


@scenario("linux.proc_shows_true_values")
def proc_shows_true_values():
    meminfo = shell("cat /proc/meminfo; dd if=/dev/zero of=/tmp/big bs=1M count=64 2>/dev/null; cat /proc/meminfo").text
    free = [int(value) for value in re.findall(r"^MemFree:\s+(\d+) kB", meminfo, re.MULTILINE)]
    expect(len(free) == 2 and 60 << 10 <= free[0] - free[1] <= 72 << 10, f"MemFree before and after 64 MiB: {free}")
    shell("nproc; grep -c ^processor /proc/cpuinfo", "--smp", "2").check(stdout="2\n2\n")
    uptimes = shell("cut -d' ' -f1 /proc/uptime; sleep 1; cut -d' ' -f1 /proc/uptime").text.split()
    expect(0.9 <= float(uptimes[1]) - float(uptimes[0]) <= 1.6, f"uptime: {uptimes}")
    shell("ps -o pid,comm,args; true").check(matches=r"^\s*\d+\s+sh\s+sh -c")
    shell("df /").check(matches=r"^\S+\s+\d+\s+\d+\s+\d+\s+\d+%\s+/$")
    shell("free").check(matches=r"^Mem:\s+\d+\s+\d+\s+\d+")
    shell("mount").check(contains=" on / type ")
    shell("top -bn1").check(contains="Mem:")
    shell("cat /proc/self/status").check(matches=r"^VmRSS:\s+[1-9]\d* kB")
    shell("readlink /proc/self/exe; tr '\\0' ' ' </proc/self/cmdline").check(contains="busybox")


@scenario("linux.devices")
def devices():
    shell("echo x > /dev/null; cat /dev/null; head -c 4 /dev/zero | od -An -tx1; head -c 8 /dev/urandom | wc -c; "
          "head -c 16 /dev/urandom | cmp - /dev/zero >/dev/null; echo $?; echo x > /dev/full; echo $?").check(
        contains=" 00 00 00 00\n8\n1\n")


@scenario("linux.time")
def time_passes():
    before = time.time()
    shown = int(shell("date +%s").text)
    expect(before - 2 <= shown <= time.time() + 2, f"date shows {shown}, the host {before:.0f}")


@scenario("linux.vdso")
def programs_read_clocks_without_a_call():
    source = """
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static int in_order(struct timespec a, struct timespec b) {
    return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec <= b.tv_nsec);
}
int main(void) {
    clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME};
    for (int i = 0; i < 3; ++i) {
        struct timespec before, called, after;
        clock_gettime(clocks[i], &before);
        syscall(SYS_clock_gettime, clocks[i], &called);
        clock_gettime(clocks[i], &after);
        printf("%d", in_order(before, called) && in_order(called, after));
    }
    char const *header = (char const *)getauxval(AT_SYSINFO_EHDR);
    printf(" %.3s\\n", header ? header + 1 : "no");
}
"""
    compile_static("tree/bin/clocks", source)
    run("/bin/clocks", options=["--rootfs", "tree"]).check(stdout="111 ELF\n")
    shell("grep -c '\\[vdso\\]' /proc/self/maps").check(stdout="1\n")


@scenario("linux.unknown_call_is_enosys")
def unknown_call_is_enosys():
    source = "#include <errno.h>\n#include <stdio.h>\n#include <unistd.h>\n#include <sys/syscall.h>\n" \
             'int main(void) { printf("%ld %d\\n", syscall(9999), errno == ENOSYS); }\n'
    compile_static("tree/bin/unknown", source)
    run("/bin/unknown", options=["--rootfs", "tree"]).check(stdout="-1 1\n")


@scenario("linux.terminal")
def terminal():
    with Terminal("run", "--", "sh", columns=91, rows=37) as screen:
        screen.expect(r"# $", 60)
        screen.send("stty size; tty\r")
        screen.expect(r"37 91\n/dev/(pts/\d+|tty\w*|console)")
        screen.send("echo one; echo typo\x7f\x7f\x7f\x7fline\r")
        screen.expect(r"^one\nline\n", 10)
        # What is typed before a program takes over the terminal is not echoed; so each says when it is there.
        screen.send("echo ready; cat\r")
        screen.expect(r"^ready\n")
        screen.send("through\r")
        screen.expect(r"^through\n")
        screen.send("\x04")
        screen.send("sh -c 'echo ready; exec sleep 100'\r")
        screen.expect(r"^ready\n")
        screen.send("\x03")
        screen.send("echo status $?\r")
        screen.expect(r"^status 130")
        screen.send("exit 5\r")
        expect(screen.wait() == 5, f"status {screen.process.returncode}")


@scenario("linux.job_control")
def job_control():
    with Terminal("run", "--", "sh") as screen:
        screen.expect(r"# $", 60)
        screen.send("sh -c 'echo ready; exec sleep 100'\r")
        screen.expect(r"^ready\n")
        screen.send("\x1a")
        screen.expect(r"Stopped")
        screen.send("jobs; bg; jobs; kill %1; wait %1; echo status $?\r")
        screen.expect(r"Stopped\s+sh -c (?:.|\n)*Running\s+sh -c (?:.|\n)*^status 143")
        screen.send("exit\r")
        screen.wait()
