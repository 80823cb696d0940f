#include "strates/linux/signal/actions.h"

#include "strates/linux/core/make.h"

namespace astrata::linux_abi {

DefaultAction default_action(Signal signal) {
    if (ignored_by_default.contains(signal))
        return DefaultAction::ignore;
    switch (signal) {
    case Signal::sigquit:
    case Signal::sigill:
    case Signal::sigtrap:
    case Signal::sigabrt:
    case Signal::sigbus:
    case Signal::sigfpe:
    case Signal::sigsegv:
    case Signal::sigxcpu:
    case Signal::sigxfsz:
    case Signal::sigsys: return DefaultAction::core;
    case Signal::sigcont: return DefaultAction::resume;
    case Signal::sigstop:
    case Signal::sigtstp:
    case Signal::sigttin:
    case Signal::sigttou: return DefaultAction::stop;
    default: return DefaultAction::terminate;
    }
}

LinuxResult<Ref<SignalActions>> SignalActions::copy() {
    Lock lock(mutex_);
    return make_ref<SignalActions>(actions_, SignalSet{without_effect_.load(std::memory_order_relaxed)});
}

SignalAction SignalActions::get(Signal signal) {
    Lock lock(mutex_);
    return actions_[index(signal)];
}

void SignalActions::set(Signal signal, SignalAction const& action) {
    Lock lock(mutex_);
    actions_[index(signal)] = action;
    note_effect_locked(signal);
}

void SignalActions::note_effect_locked(Signal signal) {
    auto const& action = actions_[index(signal)];
    auto const bit = SignalSet::bit(signal);
    if (action.is_ignore() || (action.is_default() && ignored_by_default.contains(signal)))
        without_effect_.fetch_or(bit, std::memory_order_release);
    else
        without_effect_.fetch_and(~bit, std::memory_order_release);
}

SignalAction SignalActions::take_for_delivery(Signal signal) {
    Lock lock(mutex_);
    auto& action = actions_[index(signal)];
    auto taken = action;
    if (taken.is_handler() && (taken.flags & action_flag::reset_hand) != 0) [[unlikely]] {
        action.handler = 0;
        note_effect_locked(signal);
    }
    return taken;
}

void SignalActions::reset_handlers() {
    Lock lock(mutex_);
    for (auto& action : actions_)
        action = {.handler = action.is_ignore() ? 1u : 0u};
    without_effect_.fetch_or(ignored_by_default.bits, std::memory_order_release);
}

void SignalActions::summarize(SignalSet& ignored, SignalSet& caught) {
    Lock lock(mutex_);
    for (int number = 1; number <= last_signal; ++number) {
        auto signal = static_cast<Signal>(number);
        if (actions_[index(signal)].is_ignore())
            ignored.add(signal);
        else if (actions_[index(signal)].is_handler())
            caught.add(signal);
    }
}

}  // namespace astrata::linux_abi
