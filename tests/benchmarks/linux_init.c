// First program of the Linux kernel that is compared with: loads the disk driver if there is a disk, mounts it, runs the
// program that `command=` on the kernel command line names (words separated by commas), prints "done", and switches off.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char const* const modules[] = {"virtio_ring", "virtio", "virtio_mmio", "virtio_blk"};

static void load_modules(void) {
    for (size_t i = 0; i < sizeof modules / sizeof *modules; ++i) {
        char path[64];
        snprintf(path, sizeof path, "/modules/%s.ko", modules[i]);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0) {
            return; // an initramfs without modules is for measurements without a disk
        }
        if (syscall(SYS_finit_module, file, "", 0) != 0) {
            perror(path);
        }
        close(file);
    }
    for (int attempt = 0; attempt < 1000 && access("/dev/vda", F_OK) != 0; ++attempt) {
        usleep(1000);
    }
    if (mount("/dev/vda", "/disk", "ext4", MS_RDONLY, "") != 0) {
        perror("/dev/vda");
    }
}

static void print_memory(void) {
    char line[128];
    FILE* file = fopen("/proc/meminfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        long kilobytes;
        if (sscanf(line, "MemFree: %ld kB", &kilobytes) == 1) {
            printf("memory_free %ld kB\n", kilobytes);
        }
    }
}

int main(void) {
    mount("proc", "/proc", "proc", 0, "");
    mount("dev", "/dev", "devtmpfs", 0, "");
    mount("tmp", "/tmp", "tmpfs", 0, "");
    load_modules();
    static char line[4096];
    int file = open("/proc/cmdline", O_RDONLY);
    ssize_t length = file < 0 ? 0 : read(file, line, sizeof line - 1);
    line[length > 0 ? length : 0] = 0;
    char* command = strstr(line, "command=");
    print_memory();
    if (command) {
        char* words[64] = {0};
        int count = 0;
        command += strlen("command=");
        command[strcspn(command, " \n")] = 0;
        for (char* word = strtok(command, ","); word && count < 63; word = strtok(0, ",")) {
            words[count++] = word;
        }
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            execv(words[0], words);
            perror(words[0]);
            _exit(127);
        }
        int status = 0;
        waitpid(child, &status, 0);
        printf("status %d\n", status);
    }
    puts("done");
    fflush(stdout);
    reboot(RB_AUTOBOOT);
    for (;;) {
        pause();
    }
}
