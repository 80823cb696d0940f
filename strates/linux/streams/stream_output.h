// Bytes going out through a Stream endpoint: standard output and error of a program that somebody outside started, and
// the screen of a console.
#pragma once

#include <atomic>
#include <cstdint>

#include "lib/base/bytes.h"
#include "lib/base/ref.h"
#include "sdk/handle.h"
#include "strates/linux/core/errno.h"

namespace astrata::linux_abi {

class StreamOutput : public RefCounted<StreamOutput> {
public:
    static void destroy(StreamOutput* output) { delete output; }
    explicit StreamOutput(sdk::UniqueHandle endpoint) : endpoint_(std::move(endpoint)) {}

    /// Returns once the other side has accepted all bytes.
    /// errors    epipe (the other side is closed), eio
    LinuxResult<> write(Bytes bytes);
    /// Accepted so far.
    [[nodiscard]] std::uint64_t written() const { return written_.load(std::memory_order_acquire); }

private:
    sdk::UniqueHandle const endpoint_;
    std::atomic<std::uint64_t> written_ = 0;
};

}  // namespace astrata::linux_abi
