// The order in which the ready threads of one CPU run: the highest level first, within a level first come first served.
// Two rules see to it that nobody starves: a time-shared thread that has waited too long at the bottom is lifted back to
// where it rests, and real time threads that leave no time for others for too long make way for one slice.
//
// Policy alone: not locked, no clock of its own, so that it is tested on the host.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "kernel/sched/priority.h"
#include "lib/base/intrusive_list.h"

namespace astrata::kernel::sched {

/// In ticks of the clock that `now` is read from.
struct Patience {
    std::uint64_t at_the_bottom;     // a thread that waited longer is lifted
    std::uint64_t with_real_time;    // time-shared threads wait no longer for real time ones
};

/// T has `run_link`, `ready_since`, `queued_level`, `resting_priority`, `effective_priority`.
template <typename T>
class ReadyQueue {
public:
    [[nodiscard]] bool is_empty() const { return occupied_ == 0; }
    /// A bit for each level that has threads.
    [[nodiscard]] std::uint32_t levels() const { return occupied_; }

    void push(T& thread, std::uint8_t level, bool at_front, std::uint64_t now) {
        // A time-shared thread that comes begins to wait; before, there was nobody whom real time could starve.
        if (level < priority::first_real_time && (occupied_ & time_shared_levels) == 0)
            time_shared_since_ = now;
        thread.queued_level = level;
        thread.ready_since = now;
        if (at_front)
            levels_[level].push_front(thread);
        else
            levels_[level].push_back(thread);
        occupied_ |= 1U << level;
    }

    void remove(T& thread) {
        auto const level = thread.queued_level;
        levels_[level].remove(thread);
        if (levels_[level].is_empty())
            occupied_ &= ~(1U << level);
    }

    /// The thread that is to run now, taken out; null if there is none.
    [[nodiscard, gnu::always_inline]] T* pop(std::uint64_t now, Patience const& patience) {
        auto const candidates = occupied_;
        if (candidates == 0)
            return nullptr;
        auto level = static_cast<std::size_t>(std::bit_width(candidates)) - 1;
        // With all on one level nobody is passed over.
        if ((candidates & (candidates - 1)) != 0) [[unlikely]]
            level = choose(now, patience);
        else if (level < priority::first_real_time)
            time_shared_since_ = now;
        auto& threads = levels_[level];
        auto* thread = threads.pop_front();
        if (threads.is_empty())
            occupied_ &= ~(1U << level);
        return thread;
    }

    /// The first thread in order of urgency that `may_leave` says yes to, taken out; null if there is none.
    template <typename Predicate>
    [[nodiscard]] T* pop_if(Predicate may_leave) {
        for (auto levels = occupied_; levels != 0;) {
            auto const level = static_cast<std::size_t>(std::bit_width(levels)) - 1;
            levels &= ~(1U << level);
            for (auto& thread : levels_[level]) {
                if (may_leave(thread)) {
                    remove(thread);
                    return &thread;
                }
            }
        }
        return nullptr;
    }

private:
    static constexpr std::uint32_t time_shared_levels = (1U << priority::first_real_time) - 1;

    [[gnu::noinline]] std::size_t choose(std::uint64_t now, Patience const& patience) {
        auto candidates = occupied_;
        if (auto const shared = candidates & time_shared_levels;
            shared != 0 && shared != candidates && now - time_shared_since_ > patience.with_real_time)
            candidates = shared;
        auto level = static_cast<std::size_t>(std::bit_width(candidates)) - 1;
        if (level < priority::first_real_time) {
            time_shared_since_ = now;
            level = bottom_if_patience_is_over(level, now, patience);
        }
        return level;
    }

    std::size_t bottom_if_patience_is_over(std::size_t chosen, std::uint64_t now, Patience const& patience) {
        auto const bottom = static_cast<std::size_t>(std::countr_zero(occupied_));
        if (bottom == chosen)
            return chosen;
        auto& oldest = *levels_[bottom].front();
        if (now - oldest.ready_since <= patience.at_the_bottom)
            return chosen;
        oldest.effective_priority = oldest.resting_priority;
        return bottom;
    }

    std::array<IntrusiveList<T, &T::run_link>, priority::levels> levels_;
    std::uint32_t occupied_ = 0;            // bit for each level that is not empty
    std::uint64_t time_shared_since_ = 0;   // when a time-shared thread ran last, or began to wait
};

}  // namespace astrata::kernel::sched
