#include "strates/linux/signal/actions.h"

#include "strates/linux/core/make.h"

namespace astrata::linux_abi {

DefaultAction default_action(Signal signal) {
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
    case Signal::sigchld:
    case Signal::sigurg:
    case Signal::sigwinch: return DefaultAction::ignore;
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
    return make_ref<SignalActions>(actions_);
}

SignalAction SignalActions::get(Signal signal) {
    Lock lock(mutex_);
    return actions_[index(signal)];
}

void SignalActions::set(Signal signal, SignalAction const& action) {
    Lock lock(mutex_);
    actions_[index(signal)] = action;
}

bool SignalActions::is_ignored(Signal signal) {
    Lock lock(mutex_);
    auto const& action = actions_[index(signal)];
    if (action.is_ignore())
        return true;
    return action.is_default() && default_action(signal) == DefaultAction::ignore;
}

SignalAction SignalActions::take_for_delivery(Signal signal) {
    Lock lock(mutex_);
    auto& action = actions_[index(signal)];
    auto taken = action;
    if (taken.is_handler() && (taken.flags & action_flag::reset_hand) != 0)
        action.handler = 0;
    return taken;
}

void SignalActions::reset_handlers() {
    Lock lock(mutex_);
    for (auto& action : actions_)
        action = {.handler = action.is_ignore() ? 1u : 0u};
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
