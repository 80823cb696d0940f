// Out of memory, for tests: while it lives, only `left` frames are free, and an account may charge only so much more.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/mem/account.h"
#include "kernel/mem/frames.h"

namespace astrata::kernel {

class FrameShortage {
public:
    explicit FrameShortage(std::uint64_t left) {
        while (auto const frame = mem::allocate_frame(mem::FrameKind::kernel, mem::Zero::no))
            hoard_.push_back(*frame);
        for (; left > 0 && !hoard_.empty(); --left) {
            mem::free_frame(hoard_.back());
            hoard_.pop_back();
        }
    }
    ~FrameShortage() {
        for (auto const frame : hoard_)
            mem::free_frame(frame);
    }
    FrameShortage(FrameShortage const&) = delete;
    FrameShortage& operator=(FrameShortage const&) = delete;

private:
    std::vector<PhysAddr> hoard_;
};

class ChargeShortage {
public:
    ChargeShortage(Account& account, std::uint64_t bytes_left) : account_(account) {
        account_.set_limit(account_.used() + bytes_left);
    }
    ~ChargeShortage() { account_.set_limit(Account::unlimited); }
    ChargeShortage(ChargeShortage const&) = delete;
    ChargeShortage& operator=(ChargeShortage const&) = delete;

private:
    Account& account_;
};

}  // namespace astrata::kernel
