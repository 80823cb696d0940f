// signalfd(2): pending signals as records to read.
#pragma once

#include <atomic>
#include <cstdint>

#include "strates/linux/file/file.h"
#include "strates/linux/signal/signal.h"

namespace astrata::linux_abi {

/// Reads and readiness concern the signals of whoever calls, not of who made the file.
class SignalFile final : public File {
public:
    static constexpr char kind_mark = 0;
    SignalFile(SignalSet mask, std::uint32_t flags) : File(nullptr, flags | open_flag::read_only), mask_(mask.bits) {}

    void set_mask(SignalSet mask) { mask_.store(mask.bits, std::memory_order_release); }

    LinuxResult<std::size_t> read(IoBuffer& into, std::uint64_t& position) override;
    std::uint32_t poll(PollTable* table) override;
    std::string_view describe(std::span<char>) const override { return "anon_inode:[signalfd]"; }
    [[nodiscard]] void const* kind() const override { return &kind_mark; }

private:
    std::atomic<std::uint64_t> mask_;
};

}  // namespace astrata::linux_abi
