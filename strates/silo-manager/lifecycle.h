// Whether and when an instance that ended is started again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "abi/silo_manager_types.h"
#include "abi/types.h"
#include "lib/base/units.h"
#include "lib/manifest/manifest.h"

namespace astrata::silo_manager {

/// Doubles from 10 ms to 5 s as long as runs stay short.
class Backoff {
public:
    static constexpr std::uint64_t first_ns = 10'000'000;
    static constexpr std::uint64_t longest_ns = 5'000'000'000;
    /// A run of this length counts as success: the next pause is the first one again.
    static constexpr std::uint64_t stable_ns = 10'000'000'000;

    std::uint64_t next(std::uint64_t run_ns) {
        if (run_ns >= stable_ns)
            pause_ns_ = first_ns;
        auto const pause = pause_ns_;
        pause_ns_ = std::min(pause_ns_ * 2, longest_ns);
        return pause;
    }
    void reset() { pause_ns_ = first_ns; }

private:
    std::uint64_t pause_ns_ = first_ns;
};

/// The life of one instance over its restarts.
class Lifecycle {
public:
    [[nodiscard]] abi::StrateState state() const { return state_; }
    [[nodiscard]] std::uint32_t restarts() const { return restarts_; }
    [[nodiscard]] MonotonicNs started() const { return started_; }
    [[nodiscard]] std::int64_t exit_code() const { return exit_code_; }
    /// When to start again; only in state restarting.
    [[nodiscard]] MonotonicNs restart_at() const { return restart_at_; }
    [[nodiscard]] bool is_alive() const {
        return state_ == abi::StrateState::running || state_ == abi::StrateState::starting;
    }

    /// Somebody wants it: it waits for what it needs.
    void wanted() {
        state_ = abi::StrateState::starting;
        stop_is_requested_ = false;
    }
    void running(MonotonicNs now) {
        failed_launches_ = 0;
        if (has_run_)
            ++restarts_;
        has_run_ = true;
        state_ = abi::StrateState::running;
        started_ = now;
    }
    /// The next end is not followed by a restart.
    void stop_requested() { stop_is_requested_ = true; }
    /// Stopped without a process, or before it had one.
    void stopped() { state_ = abi::StrateState::stopped; }
    /// The next end is followed by a restart at once, whatever the policy.
    void restart_requested() { restart_is_requested_ = true; }

    /// The process ended as `end` says (exited, killed, crashed), or could not be started (crashed). Sets state and
    /// restart_at.
    void ended(abi::ProcessState end, std::int64_t code, manifest::Restart policy, MonotonicNs now) {
        exit_code_ = code;
        bool const is_success = end == abi::ProcessState::exited && code == 0;
        bool const restarts =
            policy == manifest::Restart::always || (policy == manifest::Restart::on_failure && !is_success);
        bool const is_requested = std::exchange(restart_is_requested_, false);
        if (is_requested) {
            backoff_.reset();
            restart_at_ = now;
            state_ = abi::StrateState::restarting;
        } else if (stop_is_requested_) {
            state_ = abi::StrateState::stopped;
        } else if (restarts) {
            auto const run_ns =
                state_ == abi::StrateState::running ? now.value - std::min(started_.value, now.value) : 0;
            restart_at_ = now + backoff_.next(run_ns);
            state_ = abi::StrateState::restarting;
        } else {
            state_ = end == abi::ProcessState::crashed ? abi::StrateState::crashed : abi::StrateState::finished;
        }
    }

    /// It could not be started. True: not for so long that nobody is to wait for it any more. It is stopped then.
    [[nodiscard]] bool launch_failed(manifest::Restart policy, MonotonicNs now) {
        ended(abi::ProcessState::crashed, 0, policy, now);
        if (state_ != abi::StrateState::restarting || ++failed_launches_ < launch_limit)
            return false;
        failed_launches_ = 0;
        backoff_.reset();
        state_ = abi::StrateState::stopped;
        return true;
    }
    /// With the pauses between them, some seconds.
    static constexpr std::uint32_t launch_limit = 9;

private:
    abi::StrateState state_ = abi::StrateState::stopped;
    std::uint32_t failed_launches_ = 0;  // in a row
    std::uint32_t restarts_ = 0;
    MonotonicNs started_;
    MonotonicNs restart_at_ = never;
    std::int64_t exit_code_ = 0;
    bool has_run_ = false;
    bool stop_is_requested_ = false;
    bool restart_is_requested_ = false;
    Backoff backoff_;
};

}  // namespace astrata::silo_manager
