// What a process does with each signal (sigaction(2)). Shared between tasks by CLONE_SIGHAND.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "lib/base/ref.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/core/guest_memory.h"
#include "strates/linux/core/lock.h"
#include "strates/linux/signal/signal.h"

namespace astrata::linux_abi {

/// SA_* flags.
namespace action_flag {
inline constexpr std::uint64_t no_child_stop = 0x1;       // SA_NOCLDSTOP
inline constexpr std::uint64_t no_child_wait = 0x2;       // SA_NOCLDWAIT
inline constexpr std::uint64_t with_information = 0x4;    // SA_SIGINFO
inline constexpr std::uint64_t restorer = 0x0400'0000;    // SA_RESTORER
inline constexpr std::uint64_t on_stack = 0x0800'0000;    // SA_ONSTACK
inline constexpr std::uint64_t restart = 0x1000'0000;     // SA_RESTART
inline constexpr std::uint64_t no_defer = 0x4000'0000;    // SA_NODEFER
inline constexpr std::uint64_t reset_hand = 0x8000'0000;  // SA_RESETHAND
}  // namespace action_flag

/// What programs say of a signal; action_record.h has the structure that they say it with.
struct SignalAction {
    std::uint64_t handler = 0;  // SIG_DFL 0, SIG_IGN 1, or the handler's address
    std::uint64_t flags = 0;
    std::uint64_t restorer = 0;
    SignalSet mask;

    [[nodiscard]] constexpr bool is_default() const { return handler == 0; }
    [[nodiscard]] constexpr bool is_ignore() const { return handler == 1; }
    [[nodiscard]] constexpr bool is_handler() const { return handler > 1; }
};

enum class DefaultAction : std::uint8_t { terminate, core, ignore, stop, resume };
[[nodiscard]] DefaultAction default_action(Signal signal);
inline constexpr SignalSet ignored_by_default = SignalSet::of(Signal::sigchld, Signal::sigurg, Signal::sigwinch);

class SignalActions : public RefCounted<SignalActions> {
public:
    using Table = std::array<SignalAction, last_signal>;
    SignalActions() = default;
    SignalActions(Table const& actions, SignalSet without_effect)
        : actions_(actions), without_effect_(without_effect.bits) {}
    static void destroy(SignalActions* actions) { delete actions; }
    [[nodiscard]] LinuxResult<Ref<SignalActions>> copy();

    [[nodiscard]] SignalAction get(Signal signal);
    void set(Signal signal, SignalAction const& action);
    /// Whether sending the signal has no effect: ignored, or by default without effect.
    [[nodiscard]] bool is_ignored(Signal signal) const {
        return SignalSet{without_effect_.load(std::memory_order_acquire)}.contains(signal);
    }
    /// Takes the action for delivery: with SA_RESETHAND the default is back afterwards.
    [[nodiscard]] SignalAction take_for_delivery(Signal signal);
    /// exec: handlers become the default, ignored signals stay ignored.
    void reset_handlers();
    /// The signals that are ignored and those that are caught, for /proc/PID/status.
    void summarize(SignalSet& ignored, SignalSet& caught);

private:
    void note_effect_locked(Signal signal) REQUIRES(mutex_);
    [[nodiscard]] static std::size_t index(Signal signal) { return static_cast<std::size_t>(signal) - 1; }
    Mutex mutex_;
    Table actions_ GUARDED_BY(mutex_) = {};
    std::atomic<std::uint64_t> without_effect_ = ignored_by_default.bits;  // a SignalSet, written under mutex_
};

}  // namespace astrata::linux_abi
