// Armed timers of one CPU: a pairing heap with its links in the timers, so that arming allocates nothing.
// (Fredman, Sedgewick, Sleator, Tarjan: The pairing heap, 1986.)
#pragma once

#include <atomic>
#include <cstdint>

#include "lib/base/units.h"

namespace astrata::kernel {

/// Something that happens at a deadline. `expired` runs in interrupt context on the CPU that it was armed on.
struct TimerNode {
    using Expired = void (*)(TimerNode&);

    explicit TimerNode(Expired on_expiry) : expired(on_expiry) {}
    TimerNode(TimerNode const&) = delete;
    TimerNode& operator=(TimerNode const&) = delete;

    Expired const expired;
    MonotonicNs deadline = never;         // the latest time
    std::uint64_t slack_ns = 0;           // it may expire so much earlier, when there is an interrupt anyway
    bool is_armed = false;
    std::atomic<std::uint32_t> cpu = 0;   // whose queue it is in while armed

    // Heap links: first child, next sibling, and back to the previous sibling or, from the first child, to the parent.
    TimerNode* child = nullptr;
    TimerNode* sibling = nullptr;
    TimerNode* back = nullptr;
};

/// Not locked; the per-CPU owner sees to that.
class TimerQueue {
public:
    [[nodiscard]] TimerNode* first() const { return root_; }

    void insert(TimerNode& timer) {
        timer.child = timer.sibling = timer.back = nullptr;
        timer.is_armed = true;
        root_ = root_ == nullptr ? &timer : meld(*root_, timer);
    }

    void remove(TimerNode& timer) {
        if (root_ == &timer) {
            root_ = meld_siblings(timer.child);
        } else {
            if (timer.back->child == &timer)
                timer.back->child = timer.sibling;
            else
                timer.back->sibling = timer.sibling;
            if (timer.sibling != nullptr)
                timer.sibling->back = timer.back;
            if (auto* rest = meld_siblings(timer.child); rest != nullptr)
                root_ = meld(*root_, *rest);
        }
        timer.child = timer.sibling = timer.back = nullptr;
        timer.is_armed = false;
    }

private:
    // The later of two roots becomes the first child of the earlier.
    static TimerNode* meld(TimerNode& one, TimerNode& other) {
        auto& earlier = other.deadline < one.deadline ? other : one;
        auto& later = &earlier == &one ? other : one;
        later.sibling = earlier.child;
        if (later.sibling != nullptr)
            later.sibling->back = &later;
        later.back = &earlier;
        earlier.child = &later;
        earlier.sibling = nullptr;
        earlier.back = nullptr;
        return &earlier;
    }

    // Two passes: meld pairs from left to right, then the pairs into one from right to left.
    static TimerNode* meld_siblings(TimerNode* first) {
        TimerNode* pairs = nullptr;   // linked through sibling, last pair first
        while (first != nullptr) {
            auto* one = first;
            auto* other = one->sibling;
            first = other != nullptr ? other->sibling : nullptr;
            one->sibling = one->back = nullptr;
            auto* pair = one;
            if (other != nullptr) {
                other->sibling = other->back = nullptr;
                pair = meld(*one, *other);
            }
            pair->sibling = pairs;
            pairs = pair;
        }
        TimerNode* root = nullptr;
        while (pairs != nullptr) {
            auto* next = pairs->sibling;
            pairs->sibling = nullptr;
            root = root == nullptr ? pairs : meld(*root, *pairs);
            pairs = next;
        }
        return root;
    }

    TimerNode* root_ = nullptr;
};

}  // namespace astrata::kernel
