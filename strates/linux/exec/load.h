// An ELF program, and the interpreter that it names, brought into a new address space (execve(2), elf(5)).
#pragma once

#include <cstdint>

#include "lib/elf/image.h"
#include "strates/linux/core/task.h"
#include "strates/linux/file/file.h"
#include "strates/linux/memory/memory.h"

namespace astrata::linux_abi {

struct LoadedProgram {
    std::uint64_t entry = 0;            ///< of the interpreter if there is one
    std::uint64_t program_entry = 0;    ///< AT_ENTRY
    std::uint64_t program_headers = 0;  ///< AT_PHDR
    std::uint64_t program_header_count = 0;
    std::uint64_t interpreter_base = 0;  ///< AT_BASE; 0: no interpreter
    std::uint64_t stack_top = 0;
    std::uint64_t stack_bottom = 0;
    MemoryLayout layout;  ///< code, data and stack bounds are filled in
};

/// Maps `file` into `memory`, which is empty, with its interpreter, a stack of at most `stack_limit` bytes and the
/// heap's beginning.
/// errors    enoexec (not an ELF file for this machine, or a malformed one), those of opening the interpreter, enomem
[[nodiscard]] LinuxResult<LoadedProgram> load_program(Task& task, File& file, Memory& memory,
                                                      std::uint64_t stack_limit);

/// Reads exactly `into.size()` bytes at `offset`.
/// errors    enoexec (the file ends before), eio
[[nodiscard]] LinuxResult<> read_exactly(File& file, MutableBytes into, std::uint64_t offset);

}  // namespace astrata::linux_abi
