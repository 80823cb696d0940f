// The registers of a system call, as the generated dispatch functions see them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "arch/trap_frame.h"

namespace astrata::kernel {

/// Arguments are read from, and results written to, the caller's frame; indices are constants, so nothing is decided at run time.
class SyscallRegisters {
public:
    explicit SyscallRegisters(arch::TrapFrame& frame) : frame_(&frame) {}

    [[nodiscard, gnu::always_inline]] std::uint64_t operator[](std::size_t argument) const {
        switch (argument) {
        case 0: return frame_->rdi;
        case 1: return frame_->rsi;
        case 2: return frame_->rdx;
        case 3: return frame_->r10();
        case 4: return frame_->r8();
        default: return frame_->r9();
        }
    }
    [[gnu::always_inline]] void set_result(std::size_t result, std::uint64_t value) {
        (result == 0 ? frame_->rdx : result == 1 ? frame_->rdi : frame_->rsi) = value;
    }

private:
    arch::TrapFrame* frame_;
};

}  // namespace astrata::kernel
