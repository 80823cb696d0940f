// Signals that were sent and not yet taken: one queue for each task and one for each process.
#pragma once

#include <cstdint>

#include "lib/base/intrusive_list.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/signal/signal.h"

namespace astrata::linux_abi {

/// A standard signal is pending at most once; real-time signals queue, each with its own information, in order of
/// sending, lower numbers first when taken (signal(7), Queueing and delivery semantics).
class PendingSignals {
public:
    PendingSignals() = default;
    PendingSignals(PendingSignals const&) = delete;
    PendingSignals& operator=(PendingSignals const&) = delete;
    ~PendingSignals() { clear(); }

    [[nodiscard]] SignalSet set() const { return set_; }

    /// A standard signal that is already pending is dropped. Without memory for its information a signal still becomes
    /// pending, except a queued real-time one whose sender can be told.
    /// errors    eagain (`must_queue`, a real-time signal, and no memory or `limit` entries queued already)
    [[nodiscard]] LinuxResult<> add(SignalInfo const& info, bool must_queue, std::uint64_t limit);
    /// Takes the first pending signal among `wanted`, those caused by the thread's own instructions first. False, and
    /// `into` is as it was, if there is none.
    [[nodiscard]] bool take(SignalSet wanted, SignalInfo& into) {
        return !(set_ & wanted).is_empty() && take_first(set_ & wanted, into);
    }
    /// Forgets every pending signal among `discarded`.
    void discard(SignalSet discarded);
    void clear() { discard({~std::uint64_t{0}}); }
    [[nodiscard]] std::uint64_t queued() const { return queued_; }

private:
    struct Entry {
        ListLink<Entry> link;
        SignalInfo info;
    };
    bool take_first(SignalSet candidates, SignalInfo& into);
    [[nodiscard]] Entry* make_entry();
    void remove(Entry& entry);

    IntrusiveList<Entry, &Entry::link> queue_;
    SignalSet set_;
    std::uint64_t queued_ = 0;
    Entry first_;  // most often there is only one, which needs no memory then
    bool is_first_used_ = false;
};

}  // namespace astrata::linux_abi
