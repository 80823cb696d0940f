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
class EpollWatch final : public ReadyPlace {
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
            if ((wanted & woken) != 0)
                watch->epoll.list_and_wake(*watch);
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

    /// What it has to report now, zero for nothing.
    [[nodiscard]] std::uint32_t ready_events() const {
        auto const wanted = events.load(std::memory_order_relaxed);
        if ((wanted & ~epoll_flag::all) == 0)  // used up by EPOLLONESHOT
            return 0;
        return file.poll(nullptr) & (wanted | always_reported);
    }

    Epoll& epoll;
    File& file;  // not counted: the file's end ends the watch
    /// Whose queue the watch lies on when that is not the file's own (signalfd): it may end before instance and file.
    RefOrNull<Process> process;
    std::int32_t const descriptor;
    std::atomic<std::uint32_t> events;
    std::uint64_t data;
    std::atomic<bool> is_listed = false;  // as ready, or about to be
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
    // Nobody lists it from now on.
    if (watch.is_listed.load(std::memory_order_acquire)) {
        Lock lock(ready_mutex_);
        ready_.remove(watch);
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
    // On the queues before the look: what becomes ready after it lists the watch itself.
    if ((file.poll(&table) & (event.events | always_reported)) != 0)
        list_and_wake(*watch);
    return {};
}

LinuxResult<> Epoll::modify(File& file, std::int32_t descriptor, EpollEvent const& event) {
    Lock lock(mutex_);
    auto* watch = find_locked(file, descriptor);
    if (watch == nullptr)
        return fail(Errno::enoent);
    watch->events.store(event.events, std::memory_order_relaxed);
    watch->data = event.data;
    list_and_wake(*watch);
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

void Epoll::list(EpollWatch& watch) {
    // Whoever sees the mark here has changed the file before; whoever takes it away looks at the file after.
    if (watch.is_listed.exchange(true, std::memory_order_seq_cst))
        return;
    Lock lock(ready_mutex_);
    ready_.push_back(watch);
}

void Epoll::list_and_wake(EpollWatch& watch) {
    list(watch);
    ready_queue_.wake_all(poll_event::readable);
}

bool Epoll::has_ready() {
    Lock lock(ready_mutex_);
    return !ready_.is_empty();
}

EpollWatch* Epoll::take_first_ready_locked() {
    Lock lock(ready_mutex_);
    auto* const first = static_cast<EpollWatch*>(ready_.pop_front());
    if (first != nullptr)
        first->is_listed.exchange(false, std::memory_order_seq_cst);
    return first;
}

// Nobody else takes a watch off the list meanwhile, so that the last one is met.
template <typename Look>
void Epoll::for_each_ready_locked(Look look) {
    ReadyPlace const* last = nullptr;
    {
        Lock lock(ready_mutex_);
        last = ready_.back();
    }
    for (bool goes_on = last != nullptr; goes_on;) {
        auto& watch = *take_first_ready_locked();
        goes_on = look(watch) && &watch != last;
    }
}

// Budget for one that is ready: 150 instructions besides the file's own poll (epoll_eventfd_self).
std::size_t Epoll::collect_locked(std::span<EpollEvent> events) {
    std::size_t count = 0;
    for_each_ready_locked([&](EpollWatch& watch) {
        auto const wanted = watch.events.load(std::memory_order_relaxed);
        auto const ready = watch.ready_events();
        if (ready == 0)
            return true;
        events[count++] = {.events = ready, .data = watch.data};
        if ((wanted & epoll_flag::one_shot) != 0)
            watch.events.store(wanted & epoll_flag::all, std::memory_order_relaxed);
        else if ((wanted & epoll_flag::edge_triggered) == 0)
            list(watch);
        return count < events.size();
    });
    return count;
}

LinuxResult<std::size_t> Epoll::wait(std::span<EpollEvent> events, MonotonicNs deadline) {
    for (;;) {
        {
            Lock lock(mutex_);
            if (auto const count = collect_locked(events); count != 0 || deadline.value == 0)
                return count;
        }
        TaskWaiter waiter;
        ready_queue_.add(waiter);
        LinuxResult<> slept;
        // Not if something was listed since the look.
        if (!has_ready())
            slept = sleep_task(deadline);
        ready_queue_.remove(waiter);
        if (slept)
            continue;
        if (slept.error() != Errno::etimedout)
            return fail(slept.error());
        deadline = {};  // one more look
    }
}

bool Epoll::is_anything_ready() {
    Lock lock(mutex_);
    bool is_ready = false;
    for_each_ready_locked([&](EpollWatch& watch) {
        is_ready = watch.ready_events() != 0;
        if (is_ready)
            list(watch);
        return !is_ready;
    });
    return is_ready;
}

std::uint32_t Epoll::poll(PollTable* table) {
    if (table != nullptr)
        table->add(ready_queue_);
    return is_anything_ready() ? poll_event::readable : 0;
}

}  // namespace astrata::linux_abi
