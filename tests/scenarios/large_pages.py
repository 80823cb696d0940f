"""2 MiB pages, seen from outside: programs' memory is large pages where it can be, and nobody can tell but by the counters."""
import re

from harness import compile_static, expect, run, scenario

LARGE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
enum { block = 2 << 20, page = 4096, size = 16 << 20 };
static long field(char const* path, char const* name) {
    FILE* file = fopen(path, "r");
    char line[256];
    long value = -1;
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name)))
            value = atol(line + strlen(name) + 1);
    if (file)
        fclose(file);
    return value;
}
static void show(char const* when) {
    printf("%s %ld %ld\n", when, field("/proc/self/smaps_rollup", "AnonHugePages"), field("/proc/meminfo", "AnonHugePages"));
}
int main(void) {
    show("before");
    unsigned char* area = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (long at = 0; at < size; at += page)
        area[at] = (unsigned char)(at / page);
    show("touched");
    int go[2];
    if (pipe(go))
        return 1;
    if (fork() == 0) {
        char byte;
        close(go[1]);
        read(go[0], &byte, 1);
        for (long at = 0; at < size; at += 8 * page)
            area[at] = 99;
        for (long at = page; at < size; at += 8 * page)
            if (area[at] != (unsigned char)(at / page))
                _exit(1);
        _exit(0);
    }
    area[3 * page] = 200;
    close(go[1]);
    int status;
    wait(&status);
    printf("child %d\n", status);
    munmap(area + block + page, page);
    mprotect(area + 2 * block, page, PROT_READ);
    madvise(area + 3 * block, block / 2, MADV_DONTNEED);
    show("cut");
    int wrong = 0;
    for (long at = 0; at < size; at += page) {
        if (at == block + page)
            continue;
        unsigned char const expected = at == 3 * page ? 200 : at >= 3 * block && at < 3 * block + block / 2 ? 0 : (unsigned char)(at / page);
        wrong += area[at] != expected;
    }
    printf("wrong %d\n", wrong);
    munmap(area, size);
    show("after");
    unsigned char* stack = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    stack[block] = 1;
    show("stack");
}
"""


@scenario("memory.large_pages", timeout=120)
def large_pages():
    compile_static("tree/bin/program", LARGE)
    for processors in ("1", "2"):
        result = run("/bin/program", options=["--rootfs", "tree", "--smp", processors]).check(status=0)
        figures = {name: tuple(map(int, values.split())) for name, values in re.findall(r"^(\w+) ([\d ]+)$", result.text, re.MULTILINE)}
        expect(figures.get("before") == (0, 0), result.text)
        expect(figures["touched"] == (16384, 16384), result.text)
        # Of eight, one was written beside a child that shared it, and three were cut.
        expect(figures["cut"] == (8192, 8192), result.text)
        expect(figures["child"] == (0,) and figures["wrong"] == (0,), result.text)
        expect(figures["after"] == (0, 0) and figures["stack"] == (0, 0), result.text)
