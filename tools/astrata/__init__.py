"""What ./astrata is made of: host packages, builds, boot archive, QEMU runner, test suite, benchmarks."""
