// The registers of a system call, as the generated dispatch functions see them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "arch/trap_frame.h"

namespace astrata::kernel {

/// Arguments are read from, and results written to, the caller's frame; indices are constants, so nothing is decided at
/// run time.
class SyscallRegisters {
public:
    explicit SyscallRegisters(arch::TrapFrame& frame) : frame_(&frame) {}

    [[nodiscard, gnu::always_inline]] std::uint64_t operator[](std::size_t argument) const {
        return frame_->argument(argument);
    }
    [[gnu::always_inline]] void set_result(std::size_t result, std::uint64_t value) { frame_->result(result) = value; }

private:
    arch::TrapFrame* frame_;
};

}  // namespace astrata::kernel
