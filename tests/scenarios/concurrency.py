"""Linux programs whose threads and processes meet at the wrong moment: nothing may be lost or outlive its owner."""
import os

from astrata import build
from harness import ARCHITECTURE, chevron, compile_static, expect, run, scenario


def run_program(source: str, *options: str, timeout: float = 60):
    compile_static("tree/bin/program", source)
    return run("/bin/program", options=["--rootfs", "tree", *options], timeout=timeout)


# Threads of a process with a running timer end together; a timer that outlived them would fire into freed memory.
TIMERS_AT_THE_END = r"""
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
enum { THREADS = 3 };
static volatile int arrived;
static void* end(void* unused) {
    __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
    while (arrived < THREADS) {}
    syscall(SYS_exit, 0);
    return unused;
}
int main(void) {
    for (int round = 0; round < 100; ++round) {
        if (fork() == 0) {
            signal(SIGALRM, SIG_IGN);
            struct itimerval timer = {.it_interval = {0, 1000}, .it_value = {0, 1000}};
            setitimer(ITIMER_REAL, &timer, 0);
            for (int index = 1; index < THREADS; ++index) {
                pthread_t thread;
                pthread_create(&thread, 0, end, 0);
            }
            end(0);
        }
        int status;
        if (wait(&status) < 0 || status != 0) return 1;
    }
    puts("ended");
}
"""


@scenario("linux.concurrency.timers_end_with_their_process")
def timers_end():
    run_program(TIMERS_AT_THE_END, "--smp", "2").check(stdout="ended\n", status=0)


# A handler blocks a signal that was meant for whichever thread takes it: the other thread must get it.
HANDED_ON = r"""
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
static volatile int first_taken, second_taken, late;
static void rest(void) { struct timespec const moment = {0, 1000000}; nanosleep(&moment, 0); }
static void on_second(int number) { (void)number; second_taken = 1; }
static void on_first(int number) {
    (void)number;
    for (int step = 0; step < 2000 && !second_taken; ++step) rest();
    late += !second_taken;
    first_taken = 1;
}
static void* second_taker(void* unused) { for (;;) pause(); return unused; }
static void* sender(void* unused) {
    for (int round = 0; round < 100 && !late; ++round) {
        first_taken = second_taken = 0;
        rest();  // so that both are sent in one go
        kill(getpid(), SIGUSR1);
        kill(getpid(), SIGUSR2);
        while (!first_taken || !second_taken) rest();
    }
    printf("late %d\n", late);
    fflush(stdout);
    _exit(0);
    return unused;
}
int main(void) {
    struct sigaction action = {.sa_handler = on_first};
    sigaddset(&action.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &action, 0);
    signal(SIGUSR2, on_second);
    sigset_t both, first;
    sigemptyset(&both); sigaddset(&both, SIGUSR1); sigaddset(&both, SIGUSR2);
    sigemptyset(&first); sigaddset(&first, SIGUSR1);
    pthread_t thread;
    sigprocmask(SIG_SETMASK, &first, 0);
    pthread_create(&thread, 0, second_taker, 0);
    sigprocmask(SIG_SETMASK, &both, 0);
    pthread_create(&thread, 0, sender, 0);
    sigprocmask(SIG_UNBLOCK, &both, 0);
    for (;;) pause();
}
"""


@scenario("linux.concurrency.blocked_signals_are_handed_on")
def handed_on():
    run_program(HANDED_ON).check(stdout="late 0\n", status=0)


# Stops and continuations in quick succession: the last one counts, however they meet the thread that stops.
STOPS = r"""
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    int pipes[2];
    if (pipe(pipes)) return 1;
    pid_t const child = fork();
    if (child == 0)
        for (char byte; read(pipes[0], &byte, 1) == 1 && byte != 'e';) {}
    if (child == 0) _exit(7);
    // Keeps busy what stopping needs, so that a continuation may overtake it.
    pid_t const rival = fork();
    while (rival == 0) getpgid(child);
    for (int round = 0; round < 6000; ++round) {
        kill(child, SIGSTOP);
        for (volatile int spin = 0; spin < (round * 37 % 1000) * 40; ++spin) {}
        kill(child, SIGCONT);
        if (write(pipes[1], "x", 1) != 1) return 2;
    }
    if (write(pipes[1], "e", 1) != 1) return 3;
    alarm(20);
    int status;
    if (waitpid(child, &status, 0) != child) return 4;
    printf("ended %d\n", WEXITSTATUS(status));
    kill(rival, SIGKILL);
}
"""


@scenario("linux.concurrency.the_last_continuation_counts")
def stops():
    run_program(STOPS, "--smp", "2").check(stdout="ended 7\n", status=0)


EPOLL = r"""
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
// Takes turns between ready files when there is room for one.
static int fairness(void) {
    int const instance = epoll_create1(0);
    int seen[70] = {0}, count = 0;
    for (int index = 0; index < 70; ++index) {
        struct epoll_event event = {.events = EPOLLIN, .data = {.u32 = (unsigned)index}};
        if (epoll_ctl(instance, EPOLL_CTL_ADD, eventfd(1, 0), &event) != 0) return -1;
    }
    for (int round = 0; round < 70; ++round) {
        struct epoll_event event;
        if (epoll_wait(instance, &event, 1, 0) != 1) return -2;
        count += !seen[event.data.u32]++;
    }
    return count;
}
// The process whose signals are watched ends before the instance that watches them.
static int signals(void) {
    for (int round = 0; round < 10; ++round) {
        pid_t const watcher = fork();
        if (watcher == 0) {
            int pipes[2];
            if (pipe(pipes)) _exit(1);
            sigset_t set;
            sigemptyset(&set); sigaddset(&set, SIGUSR1);
            sigprocmask(SIG_BLOCK, &set, 0);
            int const file = signalfd(-1, &set, 0), instance = epoll_create1(0);
            struct epoll_event event = {.events = EPOLLIN};
            if (epoll_ctl(instance, EPOLL_CTL_ADD, file, &event)) _exit(2);
            if (fork() == 0) {
                char byte;
                close(pipes[1]);
                // Not before the end of the watcher, and of what it left.
                if (read(pipes[0], &byte, 1) != 0) _exit(3);
                while (getppid() != 1) usleep(1000);
                for (int copy = 0; copy < 20; ++copy)
                    if (fork() == 0) _exit(0);
                close(instance);
                _exit(0);
            }
            _exit(0);
        }
        int status;
        if (waitpid(watcher, &status, 0) != watcher || status) return 0;
    }
    return 1;
}
// Another thread puts other files under the descriptor that poll looks at.
static int files[2];
static volatile int is_done;
static void* exchange(void* unused) {
    while (!is_done) {
        int const fresh = eventfd(0, 0);
        dup2(fresh, files[0]);
        close(fresh);
    }
    return unused;
}
static int exchanged(void) {
    files[0] = eventfd(0, 0);
    pthread_t thread;
    pthread_create(&thread, 0, exchange, 0);
    for (int round = 0; round < 4000; ++round) {
        struct pollfd watched = {.fd = files[0], .events = POLLIN};
        struct timespec const moment = {0, 1};
        if (ppoll(&watched, 1, &moment, 0) < 0) return 0;
    }
    is_done = 1;
    pthread_join(thread, 0);
    return 1;
}
int main(void) {
    printf("fair %d\n", fairness());
    printf("signals %d\n", signals());
    printf("exchanged %d\n", exchanged());
}
"""


@scenario("linux.concurrency.watched_files_come_and_go")
def epoll():
    run_program(EPOLL, "--smp", "2").check(stdout="fair 70\nsignals 1\nexchanged 1\n", status=0)


# Forks, pipes, signals and ends of processes, one after the other and at the same time.
STIR = """
i=0
while [ $i -lt 40 ]; do
    echo $i | cat | { read x; [ "$x" = $i ] || echo lost; } &
    i=$((i + 1))
done
wait
(sleep 100 & sleep 100 & kill %1 %2 2>/dev/null; wait)
head -c 300000 /dev/zero | tee /tmp/a | wc -c
rm /tmp/a
"""


@scenario("kernel.lock_order", timeout=300)
def lock_order():
    """A kernel that stops when locks are taken out of order does what brings most of them together."""
    os.environ["ASTRATA_KERNEL"] = build.ready_checked_kernel(ARCHITECTURE)
    for processors in ("1", "2"):
        run("sh", "-c", STIR, options=["--smp", processors]).check(stdout="300000\n")
    run_program(EPOLL, "--smp", "2").check(stdout="fair 70\nsignals 1\nexchanged 1\n")
    with chevron("--smp", "2") as console:
        console.command("strate start kernel-contracts")
        for _ in range(3):
            console.command("strate restart ramfs")
            expect("ramfs" in console.command("strate list"), "the system does not answer")
