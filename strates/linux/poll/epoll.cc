#include "strates/linux/poll/epoll.h"

#include <algorithm>
#include <new>

#include "strates/linux/poll/signal_file.h"
#include "strates/linux/process/process.h"

namespace astrata::linux_abi {

namespace {

constexpr std::uint32_t always_reported = poll_event::error | poll_event::hang_up;
constexpr unsigned nesting_limit = 5;

/// Over who watches what.
constinit Mutex epoll_mutex;

}  // namespace

/// One file in one instance.
class EpollWatch {
public:
    EpollWatch(Epoll& watching_epoll, File& watched_file, std::int32_t watched_descriptor, EpollEvent const& event)
        : epoll(watching_epoll), file(watched_file), descriptor(watched_descriptor), events(event.events),
          data(event.data) {}

    /// On one queue of the file.
    class QueueWaiter final : public Waiter {
    public:
        bool on_wake(std::uint32_t woken) override {
            // Spares those who wait for other events, as far as the file says what happened.
            auto const wanted = watch->events.load(std::memory_order_relaxed) | always_reported;
            if ((wanted & woken) != 0 && !watch->is_ready.exchange(true, std::memory_order_acq_rel))
                watch->epoll.ready_queue_.wake_all(poll_event::readable);
            return false;
        }
        EpollWatch* watch = nullptr;
        WaitQueue* queue = nullptr;
    };
    class Table final : public PollTable {
    public:
        explicit Table(EpollWatch& watch) : watch_(watch) {}
        void add(WaitQueue& queue) override {
            for (auto& waiter : watch_.waiters) {
                if (waiter.queue == nullptr) {
                    waiter.watch = &watch_;
                    waiter.queue = &queue;
                    queue.add(waiter);
                    return;
                }
            }
        }

    private:
        EpollWatch& watch_;
    };

    Epoll& epoll;
    File& file;  // not counted: the file's end ends the watch
    /// Whose queue the watch lies on when that is not the file's own (signalfd): it may end before instance and file.
    RefOrNull<Process> process;
    std::int32_t const descriptor;
    std::atomic<std::uint32_t> events;
    std::uint64_t data;
    /// Woken, or found ready, since it was last looked at.
    std::atomic<bool> is_ready = false;
    EpollWatch* next_in_bucket = nullptr;
    EpollWatch* next_of_file = nullptr;  // guarded by epoll_mutex
    std::array<QueueWaiter, 4> waiters;  // no file has more queues
};

LinuxResult<Ref<Epoll>> Epoll::create() {
    auto* epoll = new (std::nothrow) Epoll;
    if (epoll == nullptr)
        return fail(Errno::enomem);
    return Ref<Epoll>::adopt(*epoll);
}

Epoll::~Epoll() {
    Lock structure(epoll_mutex);
    Lock lock(mutex_);
    for (auto*& bucket : watches_) {
        while (bucket != nullptr)
            end_watch_locked(*bucket);
    }
}

std::size_t Epoll::bucket_of(File const& file, std::int32_t descriptor) const {
    return (reinterpret_cast<std::uintptr_t>(&file) / 64 + static_cast<std::uint32_t>(descriptor)) % bucket_count;
}

EpollWatch* Epoll::find_locked(File const& file, std::int32_t descriptor) {
    for (auto* watch = watches_[bucket_of(file, descriptor)]; watch != nullptr; watch = watch->next_in_bucket) {
        if (&watch->file == &file && watch->descriptor == descriptor)
            return watch;
    }
    return nullptr;
}

// With the epoll mutex held too: takes the watch off everything and frees it.
void Epoll::end_watch_locked(EpollWatch& watch) {
    for (auto& waiter : watch.waiters) {
        if (waiter.queue != nullptr)
            waiter.queue->remove(waiter);
    }
    auto** place = &watches_[bucket_of(watch.file, watch.descriptor)];
    while (*place != &watch)
        place = &(*place)->next_in_bucket;
    *place = watch.next_in_bucket;
    auto** of_file = &watch.file.epoll_watches;
    while (*of_file != &watch)
        of_file = &(*of_file)->next_of_file;
    *of_file = watch.next_of_file;
    delete &watch;
}

void end_epoll_watches(File& file) {
    Lock structure(epoll_mutex);
    while (file.epoll_watches != nullptr) {
        auto& watch = *file.epoll_watches;
        auto& epoll = watch.epoll;  // alive: its end, too, takes the epoll mutex to end its watches
        Lock lock(epoll.mutex_);
        epoll.end_watch_locked(watch);
    }
}

// Whether `target` is this instance or watched from it; with the epoll mutex held.
bool Epoll::reaches(Epoll const& target, unsigned depth) {
    if (this == &target || depth > nesting_limit)
        return true;
    Lock lock(mutex_);
    for (auto* bucket : watches_) {
        for (auto* watch = bucket; watch != nullptr; watch = watch->next_in_bucket) {
            if (auto* inner = file_cast<Epoll>(watch->file); inner != nullptr && inner->reaches(target, depth + 1))
                return true;
        }
    }
    return false;
}

LinuxResult<> Epoll::add(File& file, std::int32_t descriptor, EpollEvent const& event) {
    if (&file == this)
        return fail(Errno::einval);
    // Regular files and directories are always ready: epoll refuses them.
    if (auto* of = file.inode(); of != nullptr && (of->is_regular() || of->is_directory()))
        return fail(Errno::eperm);
    Lock structure(epoll_mutex);
    if (auto* inner = file_cast<Epoll>(file); inner != nullptr && inner->reaches(*this, 1))
        return fail(Errno::eloop);
    Lock lock(mutex_);
    if (find_locked(file, descriptor) != nullptr)
        return fail(Errno::eexist);
    auto* watch = new (std::nothrow) EpollWatch(*this, file, descriptor, event);
    if (watch == nullptr)
        return fail(Errno::enomem);
    auto*& bucket = watches_[bucket_of(file, descriptor)];
    watch->next_in_bucket = bucket;
    bucket = watch;
    watch->next_of_file = file.epoll_watches;
    file.epoll_watches = watch;
    if (file_cast<SignalFile>(file) != nullptr)
        watch->process = Ref<Process>::share(current_process());
    EpollWatch::Table table(*watch);
    // On the queues before the look: what becomes ready after it marks the watch itself.
    if ((file.poll(&table) & (event.events | always_reported)) != 0) {
        watch->is_ready.store(true, std::memory_order_release);
        ready_queue_.wake_all(poll_event::readable);
    }
    return {};
}

LinuxResult<> Epoll::modify(File& file, std::int32_t descriptor, EpollEvent const& event) {
    Lock lock(mutex_);
    auto* watch = find_locked(file, descriptor);
    if (watch == nullptr)
        return fail(Errno::enoent);
    watch->events.store(event.events, std::memory_order_relaxed);
    watch->data = event.data;
    watch->is_ready.store(true, std::memory_order_release);
    ready_queue_.wake_all(poll_event::readable);
    return {};
}

LinuxResult<> Epoll::remove(File& file, std::int32_t descriptor) {
    Lock structure(epoll_mutex);
    Lock lock(mutex_);
    auto* watch = find_locked(file, descriptor);
    if (watch == nullptr)
        return fail(Errno::enoent);
    end_watch_locked(*watch);
    return {};
}

// What the watch has to report now, zero for nothing; takes the mark away unless it is to be asked again.
std::uint32_t Epoll::take_events_locked(EpollWatch& watch) {
    // Cleared before the look: what happens after it sets the mark again.
    if (!watch.is_ready.exchange(false, std::memory_order_acq_rel))
        return 0;
    auto const wanted = watch.events.load(std::memory_order_relaxed);
    if ((wanted & ~epoll_flag::all) == 0)  // used up by EPOLLONESHOT
        return 0;
    auto const ready = watch.file.poll(nullptr) & (wanted | always_reported);
    if (ready == 0)
        return 0;
    if ((wanted & epoll_flag::one_shot) != 0)
        watch.events.store(wanted & epoll_flag::all, std::memory_order_relaxed);
    else if ((wanted & epoll_flag::edge_triggered) == 0)
        watch.is_ready.store(true, std::memory_order_release);
    return ready;
}

// When there is more to report than room, the next call goes on where this one ended, so that nobody starves.
std::size_t Epoll::collect_locked(std::span<EpollEvent> events) {
    std::size_t count = 0;
    auto const first = next_;
    // The bucket where it begins comes again last, for the watches before the beginning.
    for (std::size_t step = 0; step <= bucket_count && count < events.size(); ++step) {
        Position here{.bucket = (first.bucket + step) % bucket_count};
        for (auto* watch = watches_[here.bucket]; watch != nullptr; watch = watch->next_in_bucket) {
            bool const is_before_first = here.passed < first.passed;
            ++here.passed;
            if ((step == 0 && is_before_first) || (step == bucket_count && !is_before_first))
                continue;
            auto const ready = take_events_locked(*watch);
            if (ready == 0)
                continue;
            events[count++] = {.events = ready, .data = watch->data};
            if (count == events.size()) {
                next_ = here;
                break;
            }
        }
    }
    return count;
}

LinuxResult<std::size_t> Epoll::wait(std::span<EpollEvent> events, MonotonicNs deadline) {
    for (;;) {
        TaskWaiter waiter;
        ready_queue_.add(waiter);
        std::size_t count = 0;
        {
            Lock lock(mutex_);
            count = collect_locked(events);
        }
        LinuxResult<> slept;
        if (count == 0 && deadline.value != 0)
            slept = sleep_task(deadline);
        ready_queue_.remove(waiter);
        if (count != 0 || deadline.value == 0)
            return count;
        if (slept)
            continue;
        if (slept.error() != Errno::etimedout)
            return fail(slept.error());
        return std::size_t{0};
    }
}

bool Epoll::is_anything_ready() {
    Lock lock(mutex_);
    for (auto* bucket : watches_) {
        for (auto* watch = bucket; watch != nullptr; watch = watch->next_in_bucket) {
            auto const wanted = watch->events.load(std::memory_order_relaxed);
            if (watch->is_ready.load(std::memory_order_acquire) && (wanted & ~epoll_flag::all) != 0 &&
                (watch->file.poll(nullptr) & (wanted | always_reported)) != 0)
                return true;
        }
    }
    return false;
}

std::uint32_t Epoll::poll(PollTable* table) {
    if (table != nullptr)
        table->add(ready_queue_);
    return is_anything_ready() ? poll_event::readable : 0;
}

}  // namespace astrata::linux_abi
