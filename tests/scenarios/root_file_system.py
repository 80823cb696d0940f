"""Root file systems from the host: folders, archives, ext4 images of many shapes, and damaged ones."""
import hashlib
import os
import random
import re
import subprocess
import tarfile

from harness import MACHINES, compile_static, copy_busybox, expect, make_ext4, run, scenario, write_file

HELLO = r"""
#include <stdio.h>
int main(int argc, char** argv) {
    printf("hello from %s", argv[0]);
    for (int i = 1; i < argc; ++i) printf(" [%s]", argv[i]);
    puts("");
    return argc;
}
"""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def busybox_tree(folder: str) -> str:
    """A small root file system with busybox in it."""
    copy_busybox(f"{folder}/bin/busybox")
    for name in ("sh", "cat", "ls", "sha256sum", "stat", "readlink", "find", "wc", "dd", "touch", "df", "mkdir", "rm"):
        os.symlink("busybox", f"{folder}/bin/{name}")
    return folder


@scenario("root.static_programs", timeout=180)
def static_programs():
    for libc in ("glibc", "musl"):
        for pie in (False, True):
            compile_static(f"tree/bin/hello-{libc}-{'pie' if pie else 'fixed'}", HELLO, libc, pie)
    for name in sorted(os.listdir("tree/bin")):
        result = run(f"/bin/{name}", "a", "b c", options=["--rootfs", "tree", "--smp", "2"])
        result.check(status=3, stdout=f"hello from /bin/{name} [a] [b c]\n")


@scenario("root.archive")
def archive():
    compile_static("tree/bin/hello", HELLO)
    with tarfile.open("root.tar.gz", "w:gz") as output:
        output.add("tree", ".")
    run("/bin/hello", options=["--rootfs", "root.tar.gz"]).check(status=1, stdout="hello from /bin/hello\n")


@scenario("root.big_file", timeout=240)
def big_file():
    data = random.Random(3).randbytes(64 << 20)
    write_file(busybox_tree("tree") + "/big/file", data)
    image = make_ext4("big.ext4", "tree", "160M")
    for machine in MACHINES:
        result = run("sha256sum", "/big/file", options=["--rootfs", image, "--machine", machine], timeout=110)
        result.check(stdout=f"{sha256(data)}  /big/file\n")


# Touches, writes and reads a file's pages, each missing at first, while a timer's signal interrupts every wait for them.
INTERRUPTED_PAGING = r"""
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
static volatile int ticks;
static void on_alarm(int number) { (void)number; ++ticks; }
int main(int argc, char** argv) {
    (void)argc;
    int file = open(argv[1], O_RDONLY);
    struct stat about;
    if (fstat(file, &about) != 0) return 1;
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, 0);
    int const period = atoi(argv[3]);
    struct itimerval timer = {{0, period}, {0, period}};
    setitimer(ITIMER_REAL, &timer, 0);
    unsigned char* bytes = mmap(0, about.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    long pages = about.st_size / 4096, failed = 0;
    unsigned long sum = 0;
    int pipes[2];
    if (pipe(pipes) != 0) return 1;
    for (long i = 0; i < pages; ++i) {
        long page = i * 37 % pages;
        unsigned char byte = 0;
        switch (argv[2][0]) {
        case 't': byte = bytes[page * 4096]; break;
        case 'w': failed += write(pipes[1], bytes + page * 4096, 1) != 1 || read(pipes[0], &byte, 1) != 1; break;
        default: failed += pread(file, &byte, 1, page * 4096) != 1; break;
        }
        sum += byte;
    }
    printf("sum %lu, failed %ld, interrupted %d\n", sum, failed, ticks > 0);
    return 0;
}
"""


@scenario("root.signals_while_paging")
def signals_while_paging():
    data = random.Random(5).randbytes(8191 * 4096)
    write_file("tree/blob", data)
    compile_static("tree/bin/program", INTERRUPTED_PAGING)
    image = make_ext4("image.ext4", "tree", "64M")
    for mode in ("touch", "write", "read"):
        run("/bin/program", "/blob", mode, "2000", options=["--rootfs", image]).check(
            stdout=f"sum {sum(data[::4096])}, failed 0, interrupted 1\n")
    # Signals that come faster than pages do hold nobody up for ever.
    run("/bin/program", "/blob", "touch", "100", options=["--rootfs", image]).check(
        stdout=f"sum {sum(data[::4096])}, failed 0, interrupted 1\n")


@scenario("root.original_is_unchanged")
def original_is_unchanged():
    write_file(busybox_tree("tree") + "/file", "before\n")
    image = make_ext4("image.ext4", "tree", "32M")
    with open(image, "rb") as file:
        before = sha256(file.read())
    script = "echo after > /file; echo new > /new; mkdir /folder; touch /folder/x; rm /bin/wc; cat /file /new; ls /folder"
    run("sh", "-c", script, options=["--rootfs", image]).check(stdout="after\nnew\nx\n")
    with open(image, "rb") as file:
        expect(sha256(file.read()) == before, "the image was written to")


@scenario("root.kinds_of_ext4", timeout=300)
def kinds_of_ext4():
    random_data = random.Random(4)
    tree = busybox_tree("tree")
    small, large = random_data.randbytes(100), random_data.randbytes(3 << 20)
    write_file(f"{tree}/data/small", small)
    write_file(f"{tree}/data/large", large)
    with open(f"{tree}/data/sparse", "wb") as file:
        file.seek(20 << 20)
        file.write(b"end")
    os.symlink("small", f"{tree}/data/short-link")
    os.symlink("/data/" + "./" * 60 + "large", f"{tree}/data/long-link")
    for number in range(2000):
        write_file(f"{tree}/many/file-with-a-rather-long-name-{number:05}", "")
    sparse = bytes(20 << 20) + b"end"
    script = ("sha256sum /data/small /data/large /data/sparse /data/short-link /data/long-link; ls /many | wc -l; "
              "stat -c '%s %b %F' /data/sparse; cat /many/file-with-a-rather-long-name-01234 && echo found")
    expected = (f"{sha256(small)}  /data/small\n{sha256(large)}  /data/large\n{sha256(sparse)}  /data/sparse\n"
                f"{sha256(small)}  /data/short-link\n{sha256(large)}  /data/long-link\n2000\n")
    shapes = {
        "default": (), "small-blocks": ("-b", "1024"), "block-maps": ("-O", "^extent,^64bit"),
        "no-checksums": ("-O", "^metadata_csum"), "ext2": ("-t", "ext2"), "ext3": ("-t", "ext3"),
        "inline-data": ("-O", "inline_data"), "no-hash-trees": ("-O", "^dir_index"), "meta-groups": ("-O", "meta_bg,^resize_inode"),
    }
    for name, options in shapes.items():
        make_ext4(f"{name}.img", tree, "96M", options)
        result = run("sh", "-c", script, options=["--rootfs", f"{name}.img"], timeout=60)
        print(name)
        result.check(contains=expected).check(contains="found")
        expect(re.search(r"^20971523 [1-8] regular file", result.text, re.MULTILINE), f"{name}: {result.text}")


@scenario("root.hash_tree_folders", timeout=180)
def hash_tree_folders():
    """Folders as Linux leaves them: indexed by e2fsck, several levels deep."""
    tree = busybox_tree("tree")
    # Three names to a block, so that few of them, which mke2fs puts in one after the other, need two levels.
    for number in range(6000):
        write_file(f"{tree}/many/{number}-{'x' * 240}", "")
    image = make_ext4("image.ext4", tree, "128M", ("-b", "1024", "-N", "30000"))
    subprocess.run(["/usr/sbin/e2fsck", "-fyD", image], stdout=subprocess.DEVNULL, check=False)
    checks = " && ".join(f"stat /many/{number}-{'x' * 240} >/dev/null" for number in range(0, 6000, 299))
    script = f"{checks} && ls /many | wc -l; stat /many/absent 2>&1"
    run("sh", "-c", script, options=["--rootfs", image], timeout=120).check(status=1, contains="6000\n")


@scenario("root.damaged_images", timeout=400)
def damaged_images():
    """Random damage is found or harmless; the machine neither hangs nor crashes."""
    tree = busybox_tree("tree")
    for number in range(50):
        write_file(f"{tree}/d{number % 5}/f{number}", b"x" * number * 300)
    make_ext4("good.img", tree, "16M")
    with open("good.img", "rb") as file:
        good = file.read()
    generator = random.Random(5)
    for attempt in range(8):
        bad = bytearray(good)
        for _ in range(64):
            bad[generator.randrange(1024, 400 << 10)] = generator.randrange(256)
        write_file("bad.img", bytes(bad))
        result = run("find", "/", "-xdev", "-type", "f", options=["--rootfs", "bad.img"], timeout=45)
        expect(b"panic" not in result.stderr, f"attempt {attempt}: {result.stderr!r}")
        expect(result.status in (0, 1, 2, 125, 126, 127, 135, 139), f"attempt {attempt}: status {result.status} {result.stderr!r}")
    for name, bad in {"truncated": good[: 1 << 20], "no-groups": good[:4096] + bytes(64 << 10) + good[68 << 10 :]}.items():
        write_file(f"{name}.img", bad)
        result = run("true", options=["--rootfs", f"{name}.img"], timeout=45)
        expect(result.status != 0 and result.stderr, f"{name}: status {result.status}, nothing said")
