#include "strates/linux/signal/pending.h"

#include <new>

namespace astrata::linux_abi {

LinuxResult<> PendingSignals::add(SignalInfo const& info, bool must_queue, std::uint64_t limit) {
    auto signal = info.signal();
    if (!is_real_time(signal) && set_.contains(signal))
        return {};
    bool fails_loudly = must_queue && is_real_time(signal);
    Entry* entry = !is_real_time(signal) || queued_ < limit ? new (std::nothrow) Entry : nullptr;
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

std::optional<SignalInfo> PendingSignals::take(SignalSet wanted) {
    auto candidates = set_ & wanted;
    auto signal = (candidates & synchronous_signals).first();
    if (signal == Signal::none)
        signal = candidates.first();
    if (signal == Signal::none)
        return std::nullopt;
    // What could not be stored when it was sent: only the number is known (Linux gives SI_USER then).
    auto info = SignalInfo::from_process(signal, signal_code::user, 0, 0);
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
    }
    if (taken != nullptr) {
        info = taken->info;
        queue_.remove(*taken);
        --queued_;
        delete taken;
    }
    if (!has_more)
        set_.remove(signal);
    return info;
}

void PendingSignals::discard(SignalSet discarded) {
    for (Entry* entry = queue_.front(); entry != nullptr;) {
        Entry* next = queue_.next(*entry);
        if (discarded.contains(entry->info.signal())) {
            queue_.remove(*entry);
            --queued_;
            delete entry;
        }
        entry = next;
    }
    set_ = set_ & ~discarded;
}

}  // namespace astrata::linux_abi
