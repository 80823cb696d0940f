#include "strates/linux/signal/pending.h"

#include <new>

namespace astrata::linux_abi {

PendingSignals::Entry* PendingSignals::make_entry() {
    if (is_first_used_)
        return new (std::nothrow) Entry;
    is_first_used_ = true;
    return &first_;
}

void PendingSignals::remove(Entry& entry) {
    queue_.remove(entry);
    --queued_;
    if (&entry == &first_)
        is_first_used_ = false;
    else
        delete &entry;
}

LinuxResult<> PendingSignals::add(SignalInfo const& info, bool must_queue, std::uint64_t limit) {
    auto signal = info.signal();
    if (!is_real_time(signal) && set_.contains(signal))
        return {};
    bool fails_loudly = must_queue && is_real_time(signal);
    Entry* entry = !is_real_time(signal) || queued_ < limit ? make_entry() : nullptr;
    if (entry == nullptr && fails_loudly)
        return fail(Errno::eagain);
    if (entry != nullptr) {
        entry->info = info;
        queue_.push_back(*entry);
        ++queued_;
    }
    set_.add(signal);
    return {};
}

bool PendingSignals::take_first(SignalSet candidates, SignalInfo& into) {
    auto const synchronous = candidates & synchronous_signals;
    auto const signal = synchronous.is_empty() ? candidates.first() : synchronous.first();
    Entry* taken = nullptr;
    bool has_more = false;
    for (auto& entry : queue_) {
        if (entry.info.signal() != signal)
            continue;
        if (taken != nullptr) {
            has_more = true;
            break;
        }
        taken = &entry;
        if (!is_real_time(signal))
            break;
    }
    if (taken != nullptr) {
        into = taken->info;
        remove(*taken);
    } else {
        // Could not be stored when it was sent: only the number is known (Linux gives SI_USER then).
        into = SignalInfo::from_process(signal, signal_code::user, 0, 0);
    }
    if (!has_more)
        set_.remove(signal);
    return true;
}

void PendingSignals::discard(SignalSet discarded) {
    if ((set_ & discarded).is_empty())
        return;
    for (Entry* entry = queue_.front(); entry != nullptr;) {
        Entry* next = queue_.next(*entry);
        if (discarded.contains(entry->info.signal()))
            remove(*entry);
        entry = next;
    }
    set_ = set_ & ~discarded;
}

}  // namespace astrata::linux_abi
