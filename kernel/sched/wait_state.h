// Whether a thread waits, for what, and who ends it: one word, so that of an answer, a deadline, a kick and a kill
// exactly one wins. The word also carries the number of the thread's latest call: an answer to an older one must not
// end a later wait. waiting_model.pml (kernel/ipc) is the protocol around it.
#pragma once

#include <atomic>
#include <cstdint>

namespace astrata::kernel {

class WaitState {
public:
    /// From `waiting_firmly` on the thread waits. Firmly: neither kick nor kill ends it. Parked: nothing is left to do
    /// on its kernel stack, see ParkedIn. For a permit: the one wait that Thread::permit may end.
    enum class Phase : std::uint8_t {
        running,
        woken,
        waiting_firmly,
        waiting_through_kicks,
        waiting,
        parked_in_call,
        parked_in_receive,
        waiting_for_permit
    };

    // ---- By the thread itself.

    void announce(Phase phase, std::uint64_t call_number) {
        // An exchange, because emulated processors may carry out a later load before a mere store.
        (void)word_.exchange(word(phase, call_number), std::memory_order_seq_cst);
    }
    /// The same where no other processor is.
    void announce_alone(Phase phase, std::uint64_t call_number) {
        word_.store(word(phase, call_number), std::memory_order_relaxed);
    }
    void end() { word_.store(0, std::memory_order_relaxed); }
    /// Refines `waiting`, unless somebody has ended the wait.
    void park(Phase parked) {
        auto seen = word_.load(std::memory_order_relaxed);
        if (phase_of(seen) == Phase::waiting)
            (void)word_.compare_exchange_strong(seen, with(seen, parked), std::memory_order_seq_cst);
    }

    // ---- By anybody. True for the one that ended the wait; it then makes the thread ready.

    [[nodiscard]] bool try_wake() { return try_end(Phase::waiting_firmly); }
    [[nodiscard]] bool try_interrupt(bool is_kill) {
        return try_end(is_kill ? Phase::waiting_through_kicks : Phase::waiting);
    }
    /// Only if it is a permit that the thread waits for.
    [[nodiscard]] bool try_permit() { return try_end(Phase::waiting_for_permit); }
    /// Only if the thread still waits for the answer to this call.
    [[nodiscard]] bool try_answer(std::uint64_t call_number) {
        auto seen = word_.load(std::memory_order_seq_cst);
        while (phase_of(seen) >= Phase::waiting_firmly &&
               seen >> phase_bits == call_number << phase_bits >> phase_bits) {
            if (word_.compare_exchange_weak(seen, with(seen, Phase::woken), std::memory_order_seq_cst))
                return true;
        }
        return false;
    }

    /// For the fast path: the thread goes from exactly this to running. What the thread has done since it parked with
    /// this number is nothing.
    [[nodiscard]] bool try_resume(Phase parked, std::uint64_t call_number) {
        auto expected = word(parked, call_number);
        return word_.compare_exchange_strong(expected, 0, std::memory_order_seq_cst);
    }
    /// The same where no other processor is.
    [[nodiscard]] bool try_resume_alone(Phase parked, std::uint64_t call_number) {
        if (word_.load(std::memory_order_relaxed) != word(parked, call_number))
            return false;
        word_.store(0, std::memory_order_relaxed);
        return true;
    }

    [[nodiscard]] bool is_waiting() const {
        return phase_of(word_.load(std::memory_order_relaxed)) >= Phase::waiting_firmly;
    }

private:
    static constexpr unsigned phase_bits = 8;
    static constexpr std::uint64_t word(Phase phase, std::uint64_t call_number) {
        return call_number << phase_bits | static_cast<std::uint64_t>(phase);
    }
    static constexpr Phase phase_of(std::uint64_t word) { return static_cast<Phase>(word & ((1U << phase_bits) - 1)); }
    static constexpr std::uint64_t with(std::uint64_t word, Phase phase) {
        return word >> phase_bits << phase_bits | static_cast<std::uint64_t>(phase);
    }
    bool try_end(Phase least) {
        auto seen = word_.load(std::memory_order_seq_cst);
        while (phase_of(seen) >= least) {
            if (word_.compare_exchange_weak(seen, with(seen, Phase::woken), std::memory_order_seq_cst))
                return true;
        }
        return false;
    }

    std::atomic<std::uint64_t> word_ = 0;
};

}  // namespace astrata::kernel
