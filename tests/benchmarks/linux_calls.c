// Cost of Linux system calls and of what is built from them: `linux_calls [METRIC...]`. Prints the median of five rounds.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ticks.h"

enum { rounds = 5, page = 4096 };

static char const* failed_call;

static long need(long result, char const* call) {
    if (result < 0 && !failed_call) {
        failed_call = call;
    }
    return result;
}
#define NEED(call) need((long)(call), #call)

// A metric runs `count` operations and returns the ticks they took, set-up not included.
typedef uint64_t Operation(int count);

#define SIMPLE(name, before, operation, after)                                                                         \
    static uint64_t name(int count) {                                                                                  \
        before;                                                                                                        \
        uint64_t start = ticks();                                                                                      \
        for (int i = 0; i < count; ++i) {                                                                              \
            operation;                                                                                                 \
        }                                                                                                              \
        uint64_t end = ticks();                                                                                        \
        after;                                                                                                         \
        return end - start;                                                                                            \
    }

static char buffer[1 << 16];
static char const* const work_file = "/tmp/linux_calls.data";

static int open_work_file(void) {
    int file = (int)NEED(open(work_file, O_RDWR | O_CREAT | O_TRUNC, 0600));
    NEED(write(file, buffer, sizeof buffer));
    return file;
}

SIMPLE(null_syscall, , syscall(SYS_getppid), )
SIMPLE(clock_gettime_, struct timespec now, clock_gettime(CLOCK_MONOTONIC, &now), )
SIMPLE(clock_gettime_syscall, struct timespec now, NEED(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now)), )
SIMPLE(read_zero_1, int file = (int)NEED(open("/dev/zero", O_RDONLY)), NEED(read(file, buffer, 1)), close(file))
SIMPLE(write_null_1, int file = (int)NEED(open("/dev/null", O_WRONLY)), NEED(write(file, buffer, 1)), close(file))
SIMPLE(pread_4k, int file = open_work_file(), NEED(pread(file, buffer, 4096, 4096)), close(file))
SIMPLE(pread_64k, int file = open_work_file(), NEED(pread(file, buffer, 65536, 0)), close(file))
SIMPLE(open_close, close(open_work_file()), NEED(close(open(work_file, O_RDONLY))), )
SIMPLE(stat_, close(open_work_file()); struct stat found, NEED(stat(work_file, &found)), )
SIMPLE(futex_wake_none, int word = 0, NEED(syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0)), )
SIMPLE(mmap_munmap, , NEED(munmap(mmap(0, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), page)), )

static char* anonymous(size_t pages) {
    char* area = mmap(0, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) {
        need(-1, "mmap");
        exit(1);
    }
    return area;
}

static void touch(char* area, size_t pages) {
    for (size_t i = 0; i < pages; ++i) {
        ((volatile char*)area)[i * page] = 1;
    }
}

SIMPLE(mmap_touch_munmap_1, , char* area = anonymous(1); touch(area, 1); munmap(area, page), )
SIMPLE(mmap_touch_munmap_256, , char* area = anonymous(256); touch(area, 256); munmap(area, 256 * page), )
SIMPLE(anon_fault, char* area = anonymous((size_t)count), touch(area + (size_t)i * page, 1), munmap(area, (size_t)count * page))
SIMPLE(mprotect_1, char* area = anonymous(4); touch(area, 4), NEED(mprotect(area + page, page, i % 2 ? PROT_READ | PROT_WRITE : PROT_READ)),
       munmap(area, 4 * page))

static void on_signal(int number) { (void)number; }
SIMPLE(signal_deliver, signal(SIGUSR1, on_signal); pid_t self = getpid(), NEED(kill(self, SIGUSR1)), )

static uint64_t pipe_self(int count) {
    int ends[2];
    NEED(pipe(ends));
    uint64_t start = ticks();
    for (int i = 0; i < count; ++i) {
        NEED(write(ends[1], buffer, 1));
        NEED(read(ends[0], buffer, 1));
    }
    uint64_t end = ticks();
    close(ends[0]);
    close(ends[1]);
    return end - start;
}

static uint64_t pipe_rt_proc(int count) {
    int there[2], back[2];
    NEED(pipe(there));
    NEED(pipe(back));
    pid_t child = (pid_t)NEED(fork());
    if (child == 0) {
        close(there[1]);
        close(back[0]);
        while (read(there[0], buffer, 1) == 1 && write(back[1], buffer, 1) == 1) {
        }
        _exit(0);
    }
    close(there[0]);
    close(back[1]);
    uint64_t start = ticks();
    for (int i = 0; i < count; ++i) {
        NEED(write(there[1], buffer, 1));
        NEED(read(back[0], buffer, 1));
    }
    uint64_t end = ticks();
    close(there[1]);
    close(back[0]);
    waitpid(child, 0, 0);
    return end - start;
}

static _Atomic int turn;
static int hand_overs;

static void hand_over(int own) {
    for (int i = 0; i < hand_overs; ++i) {
        while (turn != own) {
            syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, !own, 0, 0, 0);
        }
        turn = !own;
        syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
    }
}

static void* second_thread(void* argument) {
    hand_over(1);
    return argument;
}

static uint64_t futex_rt_thread(int count) {
    pthread_t thread;
    turn = 1;
    hand_overs = count;
    if (pthread_create(&thread, 0, second_thread, 0) != 0) {
        need(-1, "pthread_create");
        return 0;
    }
    uint64_t start = ticks();
    hand_over(0);
    uint64_t end = ticks();
    pthread_join(thread, 0);
    return end - start;
}

SIMPLE(fork_exit_wait, int status, pid_t child = (pid_t)NEED(fork()); if (child == 0) _exit(0); NEED(waitpid(child, &status, 0)), )

static void* nothing(void* argument) { return argument; }
SIMPLE(thread_create_join, pthread_t thread, if (pthread_create(&thread, 0, nothing, 0) == 0) pthread_join(thread, 0); else NEED(-1), )

static uint64_t fork_exit_wait_16m(int count) {
    char* area = anonymous(4096);
    touch(area, 4096);
    uint64_t taken = fork_exit_wait(count);
    munmap(area, 4096 * page);
    return taken;
}

static uint64_t vfork_exec_wait(int count) {
    int status = 0;
    uint64_t start = ticks();
    for (int i = 0; i < count && !failed_call; ++i) {
        pid_t child = vfork();
        if (child == 0) {
            execl("/proc/self/exe", "linux_calls", "--exit", (char*)0);
            _exit(99);
        }
        NEED(waitpid(child, &status, 0));
        NEED(status == 0 ? 0 : -1);
    }
    return ticks() - start;
}

static uint64_t cow_fault(int count) {
    char* area = anonymous((size_t)count);
    touch(area, (size_t)count);
    int stop[2];
    NEED(pipe(stop));
    pid_t child = (pid_t)NEED(fork());
    if (child == 0) {
        close(stop[1]);
        _exit(read(stop[0], buffer, 1) != 0);
    }
    close(stop[0]);
    uint64_t start = ticks();
    touch(area, (size_t)count);
    uint64_t end = ticks();
    close(stop[1]);
    waitpid(child, 0, 0);
    munmap(area, (size_t)count * page);
    return end - start;
}

// The machine rather than the system: the same on both, or the comparison is worthless.
static uint64_t alu_xorshift(int count) {
    static volatile uint64_t seed = 88172645463325252u;
    uint64_t value = seed, start = ticks();
    for (int i = 0; i < count; ++i) {
        value ^= value << 13;
        value ^= value >> 7;
        value ^= value << 17;
    }
    uint64_t end = ticks();
    seed = value;
    return end - start;
}

// A power of two apart, the two would meet in the same places of an emulator's software TLB.
static char copy_area[(16 << 10) * 2 + 17 * page];
SIMPLE(memcpy_16k, , memcpy(copy_area + (16 << 10) + 17 * page, copy_area, 16 << 10); __asm__ volatile("" ::: "memory"), )

// One yield, with the switch that it leads to. Fair schedulers let a new process wait for some milliseconds before it takes
// turns with its parent, so those come first; each process counts its yields.
static uint64_t yield_switch_proc(int count) {
    uint64_t volatile* turns = mmap(0, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cpu_set_t before, one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    NEED(sched_getaffinity(0, sizeof before, &before));
    NEED(sched_setaffinity(0, sizeof one, &one));
    pid_t child = (pid_t)NEED(fork());
    if (child == 0) {
        for (;;) {
            sched_yield();
            ++*turns;
        }
    }
    while (*turns < 200) sched_yield();
    uint64_t before_turns = *turns, start = ticks();
    for (int i = 0; i < count; ++i) sched_yield();
    uint64_t end = ticks(), yields = (uint64_t)count + *turns - before_turns;
    kill(child, SIGKILL);
    waitpid(child, 0, 0);
    NEED(sched_setaffinity(0, sizeof before, &before));
    munmap((void*)turns, page);
    return (end - start) * (uint64_t)count / yields;
}

static uint64_t unix_rt_proc(int count) {
    int ends[2];
    if (NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) < 0) return 0;
    pid_t child = (pid_t)NEED(fork());
    if (child == 0) {
        close(ends[0]);
        while (read(ends[1], buffer, 1) == 1 && write(ends[1], buffer, 1) == 1) {
        }
        _exit(0);
    }
    close(ends[1]);
    uint64_t start = ticks();
    for (int i = 0; i < count; ++i) {
        NEED(write(ends[0], buffer, 1));
        NEED(read(ends[0], buffer, 1));
    }
    uint64_t end = ticks();
    close(ends[0]);
    waitpid(child, 0, 0);
    return end - start;
}

static uint64_t epoll_eventfd_self(int count) {
    int event = (int)NEED(eventfd(0, 0)), poll = (int)NEED(epoll_create1(0));
    struct epoll_event wanted = {.events = EPOLLIN}, seen;
    NEED(epoll_ctl(poll, EPOLL_CTL_ADD, event, &wanted));
    uint64_t start = ticks(), value = 1;
    for (int i = 0; i < count; ++i) {
        NEED(write(event, &value, sizeof value));
        NEED(epoll_wait(poll, &seen, 1, -1));
        NEED(read(event, &value, sizeof value));
    }
    uint64_t end = ticks();
    close(event);
    close(poll);
    return end - start;
}

static int events[2];

static void event_hand_over(int own, int count) {
    int poll = (int)NEED(epoll_create1(0));
    struct epoll_event wanted = {.events = EPOLLIN}, seen;
    NEED(epoll_ctl(poll, EPOLL_CTL_ADD, events[own], &wanted));
    for (uint64_t value = 1; count > 0; --count) {
        if (own == 0) NEED(write(events[1], &value, sizeof value));
        NEED(epoll_wait(poll, &seen, 1, -1));
        NEED(read(events[own], &value, sizeof value));
        if (own == 1) NEED(write(events[0], &value, sizeof value));
    }
    close(poll);
}

static void* event_thread(void* argument) {
    event_hand_over(1, hand_overs);
    return argument;
}

static uint64_t epoll_eventfd_rt_thread(int count) {
    pthread_t thread;
    events[0] = (int)NEED(eventfd(0, 0));
    events[1] = (int)NEED(eventfd(0, 0));
    hand_overs = count;
    if (failed_call || NEED(-pthread_create(&thread, 0, event_thread, 0)) < 0) return 0;
    uint64_t start = ticks();
    event_hand_over(0, count);
    uint64_t end = ticks();
    pthread_join(thread, 0);
    close(events[0]);
    close(events[1]);
    return end - start;
}

static uint64_t pipe_bulk_64k(int count) {
    int ends[2];
    NEED(pipe(ends));
    pid_t child = (pid_t)NEED(fork());
    if (child == 0) {
        close(ends[1]);
        while (read(ends[0], buffer, sizeof buffer) > 0) {
        }
        _exit(0);
    }
    close(ends[0]);
    uint64_t start = ticks();
    for (int i = 0; i < count; ++i) {
        for (size_t done = 0; done < sizeof buffer && !failed_call;) done += (size_t)NEED(write(ends[1], buffer, sizeof buffer - done));
    }
    close(ends[1]);
    waitpid(child, 0, 0);
    return ticks() - start;
}

static uint64_t file_map_fault(int count) {
    enum { pages = 16 };
    int file = open_work_file();
    uint64_t taken = 0;
    for (int done = 0; done < count; done += pages) {
        char* area = mmap(0, pages * page, PROT_READ, MAP_SHARED, file, 0);
        if (area == MAP_FAILED) {
            need(-1, "mmap");
            break;
        }
        uint64_t start = ticks();
        for (int i = 0; i < pages; ++i) (void)*(volatile char*)(area + i * page);
        taken += ticks() - start;
        munmap(area, pages * page);
    }
    close(file);
    return taken;
}

extern char** environ;

static uint64_t posix_spawn_wait(int count) {
    char* words[] = {"linux_calls", "--exit", 0};
    int status = 0;
    uint64_t start = ticks();
    for (int i = 0; i < count && !failed_call; ++i) {
        pid_t child;
        NEED(-posix_spawn(&child, "/proc/self/exe", 0, 0, words, environ));
        NEED(waitpid(child, &status, 0));
        NEED(status == 0 ? 0 : -1);
    }
    return ticks() - start;
}

static uint64_t fork_exec_wait(int count) {
    int status = 0;
    uint64_t start = ticks();
    for (int i = 0; i < count && !failed_call; ++i) {
        pid_t child = (pid_t)NEED(fork());
        if (child == 0) {
            execl("/proc/self/exe", "linux_calls", "--exit", (char*)0);
            _exit(99);
        }
        NEED(waitpid(child, &status, 0));
        NEED(status == 0 ? 0 : -1);
    }
    return ticks() - start;
}

static char const* const scratch_file = "/tmp/linux_calls.scratch";
SIMPLE(create_write4k_unlink_tmpfs, ,
       int file = (int)NEED(open(scratch_file, O_RDWR | O_CREAT | O_EXCL, 0600)); NEED(write(file, buffer, 4096)); close(file);
       NEED(unlink(scratch_file)), )

// Per 64 KiB of a 16 MiB file.
enum { sequential_parts = 256 };
static uint64_t sequential(int count, int is_read) {
    int file = (int)NEED(open(scratch_file, O_RDWR | O_CREAT | O_TRUNC, 0600));
    uint64_t taken = 0;
    for (int done = 0; done < count && !failed_call; done += sequential_parts) {
        for (int pass = 0; pass < 2; ++pass) {
            lseek(file, 0, SEEK_SET);
            if (pass == 0) NEED(ftruncate(file, 0));
            uint64_t start = ticks();
            for (int i = 0; i < sequential_parts && !failed_call; ++i) NEED(pass == 0 ? write(file, buffer, sizeof buffer) : read(file, buffer, sizeof buffer));
            if (pass == is_read) taken += ticks() - start;
        }
    }
    close(file);
    unlink(scratch_file);
    return taken;
}
static uint64_t seq_write_16m(int count) { return sequential(count, 0); }
static uint64_t seq_read_16m(int count) { return sequential(count, 1); }

// Per entry of a folder of 1,000.
static uint64_t getdents_1000(int count) {
    enum { entries = 1000 };
    char name[64];
    mkdir("/tmp/linux_calls.folder", 0700);
    for (int i = 0; i < entries; ++i) {
        snprintf(name, sizeof name, "/tmp/linux_calls.folder/%d", i);
        close((int)NEED(open(name, O_CREAT | O_RDONLY, 0600)));
    }
    uint64_t taken = 0;
    for (int done = 0; done < count && !failed_call; done += entries) {
        int folder = (int)NEED(open("/tmp/linux_calls.folder", O_RDONLY | O_DIRECTORY));
        uint64_t start = ticks();
        while (NEED(syscall(SYS_getdents64, folder, buffer, 32768)) > 0) {
        }
        taken += ticks() - start;
        close(folder);
    }
    for (int i = 0; i < entries; ++i) {
        snprintf(name, sizeof name, "/tmp/linux_calls.folder/%d", i);
        unlink(name);
    }
    rmdir("/tmp/linux_calls.folder");
    return taken;
}

static struct {
    char const* name;
    Operation* operation;
    int count;
} const metrics[] = {
    {"alu_xorshift", alu_xorshift, 20000},
    {"memcpy_16k", memcpy_16k, 200},
    {"null_syscall", null_syscall, 2000},
    {"clock_gettime", clock_gettime_, 2000},
    {"clock_gettime_syscall", clock_gettime_syscall, 2000},
    {"read_zero_1", read_zero_1, 2000},
    {"write_null_1", write_null_1, 2000},
    {"pread_4k", pread_4k, 500},
    {"pread_64k", pread_64k, 100},
    {"open_close", open_close, 300},
    {"stat", stat_, 300},
    {"pipe_self", pipe_self, 500},
    {"pipe_rt_proc", pipe_rt_proc, 300},
    {"futex_wake_none", futex_wake_none, 2000},
    {"futex_rt_thread", futex_rt_thread, 300},
    {"fork_exit_wait", fork_exit_wait, 30},
    {"fork_exit_wait_16m", fork_exit_wait_16m, 10},
    {"vfork_exec_wait", vfork_exec_wait, 30},
    {"thread_create_join", thread_create_join, 30},
    {"mmap_munmap", mmap_munmap, 500},
    {"mmap_touch_munmap_1", mmap_touch_munmap_1, 300},
    {"mmap_touch_munmap_256", mmap_touch_munmap_256, 10},
    {"anon_fault", anon_fault, 200},
    {"cow_fault", cow_fault, 200},
    {"mprotect_1", mprotect_1, 500},
    {"file_map_fault", file_map_fault, 320},
    {"signal_deliver", signal_deliver, 500},
    {"yield_switch_proc", yield_switch_proc, 500},
    {"epoll_eventfd_self", epoll_eventfd_self, 500},
    {"epoll_eventfd_rt_thread", epoll_eventfd_rt_thread, 300},
    {"unix_rt_proc", unix_rt_proc, 300},
    {"pipe_bulk_64k", pipe_bulk_64k, 100},
    {"posix_spawn_wait", posix_spawn_wait, 30},
    {"fork_exec_wait", fork_exec_wait, 30},
    {"create_write4k_unlink_tmpfs", create_write4k_unlink_tmpfs, 100},
    {"seq_write_16m", seq_write_16m, sequential_parts},
    {"seq_read_16m", seq_read_16m, sequential_parts},
    {"getdents_1000", getdents_1000, 2000},
};

static int ascending(void const* left, void const* right) {
    uint64_t a = *(uint64_t const*)left, b = *(uint64_t const*)right;
    return (a > b) - (a < b);
}

static int is_wanted(char const* name, int count, char** names) {
    for (int i = 0; i < count; ++i) {
        if (strcmp(name, names[i]) == 0) {
            return 1;
        }
    }
    return count == 0;
}

int main(int argc, char** argv) {
    if (argc == 2 && strcmp(argv[1], "--exit") == 0) {
        return 0;
    }
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; ++i) {
        if (!is_wanted(metrics[i].name, argc - 1, argv + 1)) {
            continue;
        }
        uint64_t taken[rounds];
        failed_call = 0;
        metrics[i].operation(metrics[i].count / 10 + 1); // warm up
        for (int round = 0; round < rounds && !failed_call; ++round) {
            taken[round] = metrics[i].operation(metrics[i].count);
        }
        if (failed_call) {
            printf("%s failed %s: %s\n", metrics[i].name, failed_call, strerror(errno));
        } else {
            qsort(taken, rounds, sizeof *taken, ascending);
            uint64_t tenths = taken[rounds / 2] * 10 / (uint64_t)metrics[i].count;
            printf("%s %llu.%llu ticks\n", metrics[i].name, (unsigned long long)tenths / 10, (unsigned long long)tenths % 10);
        }
        fflush(stdout);
    }
    unlink(work_file);
    return 0;
}
