// Reads a file from beginning to end, 64 KiB at a time: `sequential_read FILE`. Prints bytes, ticks, and a checksum of what was read.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "ticks.h"

int main(int argc, char** argv) {
    static uint64_t buffer[8192];
    int file = argc == 2 ? open(argv[1], O_RDONLY) : -1;
    if (file < 0) {
        perror("sequential_read");
        return 1;
    }
    uint64_t bytes = 0, sum = 0, start = ticks();
    ssize_t got;
    while ((got = read(file, buffer, sizeof buffer)) > 0) {
        bytes += (uint64_t)got;
        // One word of each page shows that the data is there, at next to no cost.
        for (ssize_t i = 0; i < got / 8; i += 512) {
            sum = sum * 31 + buffer[i];
        }
    }
    uint64_t taken = ticks() - start;
    if (got < 0) {
        perror("sequential_read");
        return 1;
    }
    printf("sequential_read_bytes %llu bytes\nsequential_read_sum %llu sum\nsequential_read %llu ticks\n",
           (unsigned long long)bytes, (unsigned long long)sum, (unsigned long long)taken);
    return 0;
}
