// timerfd(2): a timer to wait on.
#pragma once

#include <cstdint>

#include "lib/base/units.h"
#include "strates/linux/file/file.h"
#include "strates/linux/time/deadline_timer.h"

namespace astrata::linux_abi {

class TimerFile final : public File, private DeadlineTimer {
public:
    static constexpr char kind_mark = 0;
    TimerFile(std::int32_t clock, std::uint32_t flags) : File(nullptr, flags | open_flag::read_only), clock_(clock) {}

    struct Setting {
        MonotonicNs deadline = never;   // never: disarmed
        std::uint64_t interval_ns = 0;  // 0: once
    };
    /// Returns the former setting.
    LinuxResult<Setting> set(Setting setting);
    [[nodiscard]] Setting setting();
    [[nodiscard]] std::int32_t clock() const { return clock_; }

    LinuxResult<std::size_t> read(IoBuffer& into, std::uint64_t& position) override;
    std::uint32_t poll(PollTable* table) override;
    std::string_view describe(std::span<char>) const override { return "anon_inode:[timerfd]"; }
    [[nodiscard]] void const* kind() const override { return &kind_mark; }

private:
    ~TimerFile() override { cancel(); }
    void on_expired() override;

    std::int32_t const clock_;
    Mutex mutex_;
    Setting setting_ GUARDED_BY(mutex_);
    std::uint64_t expirations_ GUARDED_BY(mutex_) = 0;  // not yet read
    WaitQueue expired_;
};

}  // namespace astrata::linux_abi
