#include "strates/linux/poll/signal_file.h"

#include <array>
#include <optional>

#include "strates/linux/signal/send.h"

namespace astrata::linux_abi {

namespace {

/// struct signalfd_siginfo.
struct SignalRecord {
    std::uint32_t number = 0;
    std::int32_t error = 0;
    std::int32_t code = 0;
    std::uint32_t process = 0;
    std::uint32_t user = 0;
    std::int32_t descriptor = 0;
    std::uint32_t timer = 0;
    std::uint32_t band = 0;
    std::uint32_t overrun = 0;
    std::uint32_t trap = 0;
    std::int32_t status = 0;
    std::int32_t value = 0;
    std::uint64_t pointer = 0;
    std::uint64_t user_time = 0;
    std::uint64_t system_time = 0;
    std::uint64_t address = 0;
    std::array<std::uint64_t, 6> reserved = {};
};
static_assert(sizeof(SignalRecord) == 128);

SignalRecord to_record(SignalInfo const& info) {
    SignalRecord record{
        .number = static_cast<std::uint32_t>(info.number),
        .error = info.error,
        .code = info.code,
        .process = info.sender(),
        .user = static_cast<std::uint32_t>(info.words[0] >> 32),
    };
    if (info.signal() == Signal::sigchld && info.code > 0) {
        record.status = static_cast<std::int32_t>(info.words[1]);
        record.user_time = info.words[2];
        record.system_time = info.words[3];
    } else if (info.code == signal_code::timer) {
        record.timer = info.sender();
        record.overrun = static_cast<std::uint32_t>(info.words[0] >> 32);
        record.process = 0;
        record.user = 0;
    }
    if (info.code == signal_code::queue || info.code == signal_code::timer) {
        record.value = static_cast<std::int32_t>(info.words[1]);
        record.pointer = info.words[1];
    }
    return record;
}

bool has_signal(SignalSet mask) {
    return !(pending_signals() & mask).is_empty();
}

}  // namespace

LinuxResult<std::size_t> SignalFile::read(IoBuffer& into, std::uint64_t&) {
    if (into.remaining() < sizeof(SignalRecord))
        return fail(Errno::einval);
    auto& process = current_task().process();
    std::size_t done = 0;
    while (into.remaining() >= sizeof(SignalRecord)) {
        SignalSet const mask{mask_.load(std::memory_order_acquire)};
        TaskWaiter waiter;
        process.signal_arrivals.add(waiter);
        auto const info = take_pending(mask);
        LinuxResult<> slept;
        if (!info && done == 0 && !is_non_blocking())
            slept = sleep_task(never);
        process.signal_arrivals.remove(waiter);
        if (info) {
            auto const record = to_record(*info);
            done += LTRY(into.copy_out(std::as_bytes(std::span(&record, 1))));
            continue;
        }
        if (done != 0)
            break;
        if (is_non_blocking())
            return fail(Errno::eagain);
        if (!slept && !has_signal(mask))
            return fail(slept.error());
    }
    return done;
}

std::uint32_t SignalFile::poll(PollTable* table) {
    if (table != nullptr)
        table->add(current_task().process().signal_arrivals);
    return has_signal({mask_.load(std::memory_order_acquire)}) ? poll_event::readable : 0;
}

}  // namespace astrata::linux_abi
