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


DESCRIPTORS = r"""
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
extern char** environ;
int main(int count, char** arguments) {
    if (count > 1) {
        printf("after exec %d %d\n", fcntl(10, F_GETFD), fcntl(11, F_GETFD) == -1 && errno == EBADF);
        return arguments[1] == 0;
    }
    int const file = open("/tmp/file", O_RDWR | O_CREAT | O_TRUNC, 0600), copy = dup(file);
    // Copies share a position, opening again does not.
    if (write(file, "abc", 3) != 3) return 1;
    printf("shared %d, own %d\n", (int)lseek(copy, 0, SEEK_CUR), (int)lseek(open("/tmp/file", O_RDONLY), 0, SEEK_CUR));
    printf("lowest %d\n", (close(copy), dup(file)) == copy);
    printf("onto itself %d %d\n", dup2(file, file) == file, dup3(file, file, 0) == -1 && errno == EINVAL);
    printf("not open %d %d\n", dup2(99, 98) == -1 && errno == EBADF, dup(-1) == -1 && errno == EBADF);
    dup2(file, 10);
    dup3(file, 11, O_CLOEXEC);
    printf("flags %d %d %d\n", fcntl(10, F_GETFD), fcntl(11, F_GETFD), fcntl(fcntl(file, F_DUPFD_CLOEXEC, 20), F_GETFD));
    fflush(stdout);
    if (fork() == 0) {
        close(file);  // the child's table is its own
        execl("/bin/program", "program", "again", (char*)0);
    }
    wait(0);
    printf("still open %d\n", fcntl(file, F_GETFD));

    struct rlimit limit = {64, 64};
    setrlimit(RLIMIT_NOFILE, &limit);
    int opened = 0, last = -1;
    for (int descriptor; (descriptor = open("/tmp/file", O_RDONLY)) >= 0; ++opened) last = descriptor;
    int const when_full = errno;
    int ends[2];
    printf("full at %d: %d %d %d %d\n", last, when_full == EMFILE, dup(file) == -1 && errno == EMFILE,
           pipe(ends) == -1 && errno == EMFILE, dup2(file, 64) == -1 && errno == EBADF);
    close(last);
    printf("room again %d %d\n", pipe(ends) == -1 && errno == EMFILE, dup(file) == last);
}
"""


@scenario("linux.contracts.descriptors")
def descriptors():
    run_program(DESCRIPTORS).check(
        stdout="shared 3, own 0\nlowest 1\nonto itself 1 1\nnot open 1 1\nflags 0 1 1\nafter exec 0 1\nstill open 0\n"
        "full at 63: 1 1 1 1\nroom again 1 1\n", status=0)


PATHS = r"""
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
static int failed;
static void check(char const* what, long result, int wanted) {
    int const got = result == -1 ? errno : 0;
    if (got == wanted) return;
    printf("%s: %s, not %s\n", what, strerror(got), strerror(wanted));
    failed = 1;
}
static unsigned mode(char const* path) { struct stat status; return stat(path, &status) ? 0 : status.st_mode & 07777; }
static void as_user(void) {
    if (setgid(1000) || setuid(1000)) _exit(2);
    check("search", open("/t/closed/file", O_RDONLY), EACCES);
    check("read", open("/t/private", O_RDONLY), EACCES);
    check("create", open("/t/new", O_WRONLY | O_CREAT, 0600), EACCES);
    check("access", access("/t/private", R_OK), EACCES);
    check("own", open("/t/sticky/own", O_WRONLY | O_CREAT, 0600), 0);
    check("sticky unlink", unlink("/t/sticky/foreign"), EPERM);
    check("sticky rename", rename("/t/sticky/foreign", "/t/sticky/mine"), EPERM);
    check("sticky own", unlink("/t/sticky/own"), 0);
    check("chmod", chmod("/t/sticky/foreign", 0777), EPERM);
    check("chown", chown("/t/sticky/foreign", 1000, 1000), EPERM);
    _exit(failed);
}
int main(void) {
    umask(027);
    mkdir("/t", 0777);
    close(open("/t/file", O_CREAT | O_WRONLY, 0666));
    if (mode("/t") != 0750 || mode("/t/file") != 0640) printf("umask %o %o\n", mode("/t"), mode("/t/file"));
    umask(0);
    chmod("/t", 0755);
    mkdir("/t/closed", 0700); close(open("/t/closed/file", O_CREAT | O_WRONLY, 0666));
    close(open("/t/private", O_CREAT | O_WRONLY, 0600));
    mkdir("/t/sticky", 01777); close(open("/t/sticky/foreign", O_CREAT | O_WRONLY, 0666));
    pid_t const user = fork();
    if (user == 0) as_user();
    int status;
    waitpid(user, &status, 0);
    failed |= status;

    symlink("loop", "/t/loop");
    symlink("closed", "/t/to_folder");
    symlink("missing", "/t/dangling");
    char name[300], path[5000];
    memset(name, 'n', 299); name[299] = 0;
    memset(path, '/', 4999); path[4999] = 0;
    check("loop", open("/t/loop", O_RDONLY), ELOOP);
    check("no follow", open("/t/to_folder", O_RDONLY | O_NOFOLLOW), ELOOP);
    check("dangling", open("/t/dangling", O_RDONLY), ENOENT);
    check("exclusive", open("/t/dangling", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
    check("through a link", open("/t/dangling", O_WRONLY | O_CREAT, 0600), 0);
    check("made by it", access("/t/missing", F_OK), 0);
    check("file as folder", open("/t/file/x", O_RDONLY), ENOTDIR);
    check("trailing slash", open("/t/file/", O_RDONLY), ENOTDIR);
    check("long name", open(name, O_RDONLY), ENAMETOOLONG);
    check("long path", open(path, O_RDONLY), ENAMETOOLONG);
    check("empty path", open("", O_RDONLY), ENOENT);
    check("above the root", access("/../../t/file", F_OK), 0);
    check("write a folder", open("/t/closed", O_WRONLY), EISDIR);
    check("full folder", rmdir("/t/closed"), ENOTEMPTY);
    check("dot", rmdir("/t/closed/."), EINVAL);
    check("unlink a folder", unlink("/t/closed"), EISDIR);
    check("rmdir a file", rmdir("/t/file"), ENOTDIR);
    check("into itself", rename("/t/closed", "/t/closed/in"), EINVAL);
    check("folder onto file", rename("/t/closed", "/t/file"), ENOTDIR);
    check("file onto folder", rename("/t/file", "/t/closed"), EISDIR);
    check("link a folder", link("/t/closed", "/t/other"), EPERM);

    int const folder = open("/t/closed", O_RDONLY | O_DIRECTORY);
    check("openat", openat(folder, "file", O_RDONLY), 0);
    check("absolute", openat(-1, "/t/file", O_RDONLY), 0);
    check("relative to nothing", openat(-1, "file", O_RDONLY), EBADF);
    check("relative to a file", openat(open("/t/file", O_RDONLY), "file", O_RDONLY), ENOTDIR);
    check("mkdirat", mkdirat(folder, "inner", 0700), 0);
    check("symlinkat", symlinkat("file", folder, "link"), 0);
    check("renameat", renameat(folder, "link", AT_FDCWD, "/t/moved"), 0);
    check("no replace", renameat2(folder, "file", AT_FDCWD, "/t/file", 1), EEXIST);
    check("unlinkat", unlinkat(folder, "inner", 0), EISDIR);
    check("rmdir by unlinkat", unlinkat(folder, "inner", AT_REMOVEDIR), 0);
    check("linkat follows", linkat(AT_FDCWD, "/t/to_folder", AT_FDCWD, "/t/other", AT_SYMLINK_FOLLOW), EPERM);
    check("linkat", linkat(folder, "file", AT_FDCWD, "/t/other", 0), 0);
    struct stat entry, link_status;
    check("fstatat", fstatat(folder, "", &entry, AT_EMPTY_PATH), 0);
    check("link itself", fstatat(AT_FDCWD, "/t/to_folder", &link_status, AT_SYMLINK_NOFOLLOW), 0);
    if (!S_ISDIR(entry.st_mode) || !S_ISLNK(link_status.st_mode)) puts("wrong kinds");
    puts(failed ? "failed" : "as specified");
}
"""


@scenario("linux.contracts.paths")
def paths():
    run_program(PATHS).check(stdout="as specified\n", status=0)


LONG_CALLS = r"""
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>
enum { PARTS = 1000, PART_BYTES = 1 << 20 };
static volatile int rings;
static void on_alarm(int number) { (void)number; ++rings; }
static void soon(void) {
    struct itimerval const timer = {.it_value = {0, 20000}};
    setitimer(ITIMER_REAL, &timer, 0);
}
static int ends_early(char const* device) {
    static struct iovec parts[PARTS];
    static char room[PART_BYTES];
    for (int index = 0; index < PARTS; ++index) parts[index] = (struct iovec){room, sizeof room};
    int const file = open(device, O_RDONLY);
    soon();
    ssize_t const done = readv(file, parts, PARTS);
    return done > 0 && done < (ssize_t)PARTS * PART_BYTES;
}
int main(void) {
    signal(SIGALRM, on_alarm);
    printf("zero %d\n", ends_early("/dev/zero"));
    printf("random %d\n", ends_early("/dev/urandom"));
    int const from = open("/tmp/sparse", O_RDWR | O_CREAT, 0600), to = open("/dev/null", O_WRONLY);
    if (ftruncate(from, 1 << 30)) return 1;
    soon();
    ssize_t const sent = sendfile(to, from, 0, 1 << 30);
    printf("sendfile %d\n", sent > 0 && sent < 1 << 30);
    // A reservation without memory behind it, as large as may be.
    size_t const huge = (size_t)1 << 40;
    char* const reserved = mmap(0, huge, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    soon();
    printf("mlock %d\n", mlock(reserved, huge));
    printf("rings %d\n", rings);
}
"""


@scenario("linux.contracts.long_calls_end_early_for_signals")
def long_calls():
    run_program(LONG_CALLS).check(stdout="zero 1\nrandom 1\nsendfile 1\nmlock -1\nrings 4\n", status=0)
