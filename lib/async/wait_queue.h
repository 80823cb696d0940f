// Where coroutines wait for something that another task, or the event loop, will announce.
#pragma once

#include <coroutine>
#include <optional>
#include <utility>

namespace astrata::async {

/// A queue of paused coroutines, like a condition variable for one thread: `while (!condition) co_await queue.wait();`.
/// Waking runs the waiters at once, on the caller's stack, in the order in which they came, each until it pauses again;
/// so the caller leaves its own data consistent first. A waiter whose coroutine is destroyed leaves the queue.
class WaitQueue {
    // Links of a ring whose head is the queue: an element can leave without knowing which queue it is on.
    struct Link {
        Link() = default;
        Link(Link const&) = delete;
        Link& operator=(Link const&) = delete;
        ~Link() { leave(); }

        void leave() {
            previous->next = next;
            next->previous = previous;
            previous = next = this;
        }
        void insert_before(Link& position) {
            previous = position.previous;
            next = &position;
            previous->next = this;
            position.previous = this;
        }

        Link* previous = this;
        Link* next = this;
    };

public:
    class [[nodiscard]] Waiter : Link {
    public:
        explicit Waiter(WaitQueue& queue) : queue_(queue) {}
        bool await_ready() noexcept { return false; }
        void await_suspend(std::coroutine_handle<> waiting) noexcept {
            waiting_ = waiting;
            insert_before(queue_.waiters_);
        }
        void await_resume() noexcept {}

    private:
        friend class WaitQueue;
        WaitQueue& queue_;
        std::coroutine_handle<> waiting_;
    };

    /// Pauses the awaiting coroutine until the next wake.
    Waiter wait() { return Waiter(*this); }

    [[nodiscard]] bool is_empty() const { return waiters_.next == &waiters_; }

    /// Resumes those that wait now; one that waits again is not woken twice. The queue itself may be gone afterwards.
    void wake_all() {
        if (is_empty())
            return;
        Link woken;
        woken.insert_before(waiters_);
        waiters_.leave();  // what is left of the ring hangs on `woken`
        while (woken.next != &woken)
            resume_first(woken);
    }
    /// Resumes the one that has waited longest, if any.
    void wake_one() {
        if (!is_empty())
            resume_first(waiters_);
    }

private:
    static void resume_first(Link& head) {
        auto& waiter = static_cast<Waiter&>(*head.next);
        waiter.leave();
        waiter.waiting_.resume();
    }

    Link waiters_;
};

/// Something that happens once: waiting before it pauses, waiting after it does not.
class Event {
public:
    [[nodiscard]] bool is_set() const { return is_set_; }
    void set() {
        is_set_ = true;
        waiters_.wake_all();
    }
    void reset() { is_set_ = false; }

    class [[nodiscard]] Waiter : public WaitQueue::Waiter {
    public:
        explicit Waiter(Event& event) : WaitQueue::Waiter(event.waiters_), event_(event) {}
        bool await_ready() noexcept { return event_.is_set(); }

    private:
        Event& event_;
    };
    Waiter operator co_await() { return Waiter(*this); }

private:
    bool is_set_ = false;
    WaitQueue waiters_;
};

/// The answer to one request: a coroutine awaits it, the event loop completes it when the answer arrives (possibly
/// before anybody awaits). It must stay where it is until then.
template <typename T>
class Completion {
public:
    /// At most once.
    void complete(T value) {
        value_.emplace(std::move(value));
        event_.set();
    }

    class [[nodiscard]] Waiter : public Event::Waiter {
    public:
        explicit Waiter(Completion& completion) : Event::Waiter(completion.event_), completion_(completion) {}
        T await_resume() { return std::move(*completion_.value_); }

    private:
        Completion& completion_;
    };
    Waiter operator co_await() { return Waiter(*this); }

private:
    Event event_;
    std::optional<T> value_;
};

}  // namespace astrata::async
