#include "strates/linux/poll/timer_file.h"

#include "abi/system_calls.h"

namespace astrata::linux_abi {

LinuxResult<TimerFile::Setting> TimerFile::set(Setting setting) {
    cancel();  // outside the mutex, which on_expired takes
    Setting former;
    {
        Lock lock(mutex_);
        former = setting_;
        setting_ = setting;
        expirations_ = 0;
    }
    if (setting.deadline != never)
        LTRY(arm(setting.deadline));
    return former;
}

TimerFile::Setting TimerFile::setting() {
    Lock lock(mutex_);
    return setting_;
}

void TimerFile::on_expired() {
    auto next = never;
    {
        Lock lock(mutex_);
        auto const now = sys::clock_now();
        if (setting_.deadline == never)
            return;
        // Not due yet when two settings crossed and the timer went off for the one that lost.
        if (setting_.deadline <= now) {
            if (setting_.interval_ns == 0) {
                ++expirations_;
                setting_.deadline = never;
            } else {
                auto const periods = 1 + (now.value - setting_.deadline.value) / setting_.interval_ns;
                expirations_ += periods;
                setting_.deadline = setting_.deadline + periods * setting_.interval_ns;
            }
            expired_.wake_all(poll_event::readable);
        }
        next = setting_.deadline;
    }
    if (next != never)
        (void)arm(next);  // the service thread, on which this runs, exists
}

LinuxResult<std::size_t> TimerFile::read(IoBuffer& into, std::uint64_t&) {
    if (into.remaining() < sizeof(std::uint64_t))
        return fail(Errno::einval);
    std::uint64_t taken = 0;
    {
        Lock lock(mutex_);
        while (expirations_ == 0) {
            if (is_non_blocking())
                return fail(Errno::eagain);
            LTRY(wait(expired_, mutex_));
        }
        taken = std::exchange(expirations_, 0);
    }
    return into.copy_out(std::as_bytes(std::span(&taken, 1)));
}

std::uint32_t TimerFile::poll(PollTable* table) {
    if (table != nullptr)
        table->add(expired_);
    Lock lock(mutex_);
    return expirations_ != 0 ? poll_event::readable : 0;
}

}  // namespace astrata::linux_abi
