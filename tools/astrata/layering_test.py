"""Tests of the layering rules."""
import unittest

from astrata.layering import check_text

HOMES = {"strates/fs/ext4", "strates/linux", "apps/chevron"}


class LayeringTest(unittest.TestCase):
    def problems(self, name, line):
        return len(check_text(name, line + "\n", HOMES))

    def test_dependencies_run_one_way(self):
        self.assertEqual(self.problems("lib/elf/elf.cc", '#include "lib/base/result.h"'), 0)
        self.assertEqual(self.problems("lib/elf/elf.cc", '#include "kernel/mem/frame.h"'), 1)
        self.assertEqual(self.problems("strates/linux/x.cc", '#include "sdk/handle.h"'), 0)
        self.assertEqual(self.problems("sdk/handle.h", '#include "strates/linux/x.h"'), 1)
        self.assertEqual(self.problems("kernel/ipc/endpoint.cc", '#include "sdk/handle.h"'), 1)
        self.assertEqual(self.problems("lib/elf/elf.cc", '#include "../base/result.h"'), 1)
        self.assertEqual(self.problems("abi/text.h", '#include "lib/base/bytes.h"'), 0)
        self.assertEqual(self.problems("abi/text.h", '#include "lib/elf/elf.h"'), 1)
        self.assertEqual(self.problems("lib/base/result.h", '#include "abi/message.h"'), 1)

    def test_strates_do_not_use_each_others_code(self):
        self.assertEqual(self.problems("strates/linux/x.cc", '#include "strates/linux/y.h"'), 0)
        self.assertEqual(self.problems("strates/linux/sub/x.cc", '#include "strates/linux/y.h"'), 0)
        self.assertEqual(self.problems("strates/linux/x.cc", '#include "strates/fs/ext4/y.h"'), 1)

    def test_architectures_show_only_in_their_folders(self):
        for line in ("#ifdef __x86_64__", "#if defined(__riscv) && X", "  # elif defined(__aarch64__)"):
            self.assertEqual(self.problems("kernel/mem/frame.cc", line), 1)
            self.assertEqual(self.problems("kernel/arch/x86_64/entry.S", line), 0)
        self.assertEqual(self.problems("kernel/mem/frame.cc", "#if ASTRATA_HOST"), 0)


if __name__ == "__main__":
    unittest.main()
