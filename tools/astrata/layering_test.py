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

    def test_machines_are_told_apart_only_in_their_folders(self):
        for line in ("#ifdef __x86_64__", "#if defined(__riscv) && X", "  # elif defined(__aarch64__)", "#if ASTRATA_MACHINE_AARCH64",
                     "#if __has_builtin(__builtin_ia32_pause)", "#elifdef __arm__"):
            self.assertEqual(self.problems("kernel/mem/frame.cc", line), 1, line)
            self.assertEqual(self.problems("strates/linux/exec/stack.S", line), 1, line)
            for place in ("kernel/arch/x86_64/entry.S", "strates/linux/arch/riscv64/x.h", "kernel/platform/virt/x.cc"):
                self.assertEqual(self.problems(place, line), 0, place)
        for line in ("#if ASTRATA_HOST", "#ifdef ASTRATA_HOSTED_IN_KERNEL", "// x86_64 has this", '#include "lib/paging/x86_64.h"'):
            self.assertEqual(self.problems("kernel/mem/frame.cc", line), 0, line)

    def test_neither_build_nor_tools_tell_machines_apart(self):
        for name, line in (("tools/cmake/target.cmake", 'if(ASTRATA_TARGET STREQUAL "x86_64")'), ("CMakeLists.txt", "elseif (X MATCHES riscv)"),
                           ("tools/astrata/run.py", 'if arch == "aarch64":'), ("tools/astrata/run.py", "x = 1 if a == 'riscv64' else 2")):
            self.assertEqual(self.problems(name, line), 1, line)
        self.assertEqual(self.problems("tools/cmake/machines/x86_64.cmake", 'if(X STREQUAL "x86_64")'), 0)
        self.assertEqual(self.problems("tools/astrata/architectures.py", 'if arch == "aarch64":'), 0)
        self.assertEqual(self.problems("tools/astrata/run.py", 'Option("--arch", "ARCHITECTURE", help="x86_64 or riscv64")'), 0)


if __name__ == "__main__":
    unittest.main()
