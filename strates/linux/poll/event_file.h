// eventfd(2): a counter to wait on.
#pragma once

#include <cstdint>

#include "strates/linux/file/file.h"

namespace astrata::linux_abi {

class EventFile final : public File {
public:
    EventFile(std::uint64_t count, bool is_semaphore, std::uint32_t flags)
        : File(nullptr, flags | open_flag::read_write), is_semaphore_(is_semaphore), count_(count) {}

    LinuxResult<std::size_t> read(IoBuffer& into, std::uint64_t& position) override;
    LinuxResult<std::size_t> write(IoBuffer& from, std::uint64_t& position) override;
    std::uint32_t poll(PollTable* table) override;
    std::string_view describe(std::span<char>) const override { return "anon_inode:[eventfd]"; }

private:
    static constexpr std::uint64_t maximum = ~std::uint64_t{0} - 1;
    bool const is_semaphore_;
    Mutex mutex_;
    std::uint64_t count_ GUARDED_BY(mutex_);
    WaitQueue changed_;
};

}  // namespace astrata::linux_abi
