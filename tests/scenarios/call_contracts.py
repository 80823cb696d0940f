"""Linux programs that check what the man pages promise of single system calls in their less common cases."""
from harness import compile_static, run, scenario


def run_program(source: str, timeout: float = 60):
    compile_static("tree/bin/program", source)
    return run("/bin/program", options=["--rootfs", "tree"], timeout=timeout)


FILES = r"""
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
int main(void) {
    mkdir("/tmp/kept (deleted)", 0700);
    char path[100];
    printf("%s\n", chdir("/tmp/kept (deleted)") || !getcwd(path, sizeof path) ? "none" : path);
    rmdir("/tmp/kept (deleted)");
    printf("removed %d\n", getcwd(path, sizeof path) == 0 && errno == ENOENT);

    int const file = open("/tmp/file", O_RDWR | O_CREAT, 0600);
    if (write(file, "0123456789", 10) != 10) return 1;
    off_t from = 0, to = 5;
    printf("overlap %d\n", copy_file_range(file, &from, file, &to, 6, 0) == -1 && errno == EINVAL);
    from = 0, to = 5;
    printf("apart %d\n", (int)copy_file_range(file, &from, file, &to, 5, 0));
    from = 8, to = 10;
    printf("up to the end %d\n", (int)copy_file_range(file, &from, file, &to, 1000, 0));

    int pipes[2];
    if (pipe(pipes)) return 2;
    close(pipes[0]);
    printf("nothing into a broken pipe %d\n", (int)write(pipes[1], "", 0));
}
"""


@scenario("linux.contracts.files")
def files():
    run_program(FILES).check(stdout="/tmp/kept (deleted)\nremoved 1\noverlap 1\napart 5\nup to the end 2\n"
                             "nothing into a broken pipe 0\n", status=0)


EXECUTION = r"""
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
struct attributes { unsigned size, policy; unsigned long flags; int nice; unsigned priority; unsigned long times[3]; };
extern char** environ;
int main(int count, char** arguments) {
    if (count > 1 && strcmp(arguments[1], "user") == 0) {
        struct attributes wish = {.size = sizeof wish, .nice = 5};
        int const lower = (int)syscall(SYS_sched_setattr, 0, &wish, 0);
        wish.nice = -5;
        int const higher = syscall(SYS_sched_setattr, 0, &wish, 0) == -1 ? errno : 0;
        printf("nice %d %d %d\n", lower, higher == EPERM, getpriority(PRIO_PROCESS, 0));
        return 0;
    }
    if (count > 1) {
        printf("%s %u %u\n", arguments[1], getuid(), geteuid());
        return 0;
    }
    setvbuf(stdout, 0, _IONBF, 0);
    // A script's set-user-id bit counts for nothing, a program's does.
    int const script = open("/tmp/script", O_WRONLY | O_CREAT, 0700);
    char const text[] = "#!/bin/program script\n";
    if (write(script, text, sizeof text - 1) < 0) return 1;
    close(script);
    chmod("/tmp/script", 04755);
    if (fork() == 0) { setuid(1000); execl("/tmp/script", "x", (char*)0); _exit(1); }
    wait(0);
    if (fork() == 0) {
        int const program = open("/bin/program", O_RDONLY);
        char* const words[] = {"x", "opened", 0};
        fexecve(program, words, environ);
        printf("fexecve %d\n", errno);
        _exit(1);
    }
    wait(0);
    if (fork() == 0) { setuid(1000); execl("/bin/program", "x", "user", (char*)0); _exit(1); }
    wait(0);
}
"""


@scenario("linux.contracts.execution")
def execution():
    run_program(EXECUTION).check(stdout="script 1000 1000\nopened 0 0\nnice 0 1 5\n", status=0)


TERMINALS = r"""
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
// All that write() says it took comes out of the master, line ends made two bytes included.
static int output(void) {
    int const master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (grantpt(master) || unlockpt(master)) return -1;
    int const slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_NONBLOCK);
    char lines[1000];
    memset(lines, '\n', sizeof lines);
    long taken = 0, come = 0;
    for (int round = 0; round < 200; ++round) {
        for (ssize_t part; (part = write(slave, lines, sizeof lines)) > 0;) taken += part;
        char back[777];
        for (ssize_t part; (part = read(master, back, sizeof back)) > 0;) come += part;
    }
    return taken > 1000 && come == 2 * taken;
}
// A stop and a continuation do not start poll's timeout anew.
static int timeout_goes_on(void) {
    pid_t const child = fork();
    if (child == 0) { poll(0, 0, 1000); _exit(0); }
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int round = 0; round < 8; ++round) {
        usleep(100000);
        kill(child, SIGSTOP);
        kill(child, SIGCONT);
    }
    int status;
    waitpid(child, &status, 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    double const seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    return status == 0 && seconds > 0.9 && seconds < 1.6;
}
int main(void) {
    printf("output %d\n", output());
    printf("timeout %d\n", timeout_goes_on());
}
"""


@scenario("linux.contracts.terminals_and_timeouts")
def terminals():
    run_program(TERMINALS).check(stdout="output 1\ntimeout 1\n", status=0)
