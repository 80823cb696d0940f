// System calls that wait for files, and those that make files to wait on.

#include <algorithm>
#include <array>
#include <memory>
#include <new>

#include "abi/system_calls.h"
#include "linux_calls/table.h"
#include "strates/linux/calls/arguments.h"
#include "strates/linux/core/make.h"
#include "strates/linux/poll/epoll.h"
#include "strates/linux/poll/event_file.h"
#include "strates/linux/poll/signal_file.h"
#include "strates/linux/poll/timer_file.h"
#include "strates/linux/poll/wait_for_files.h"
#include "strates/linux/signal/send.h"
#include "strates/linux/time/linux_time.h"

namespace astrata::linux_abi {

namespace {

MonotonicNs deadline_from_milliseconds(std::int32_t timeout_ms) {
    if (timeout_ms < 0)
        return never;
    if (timeout_ms == 0)
        return {0};
    return deadline_in(static_cast<std::uint64_t>(timeout_ms) * 1'000'000);
}

/// The deadline of a relative timespec in program memory, 0 for one that asks not to wait.
LinuxResult<MonotonicNs> deadline_from_timespec(GuestAddress timeout) {
    if (timeout.is_null())
        return never;
    auto const time = LTRY(read_guest<LinuxTimespec>(timeout));
    auto const duration = LTRY(to_nanoseconds(time));
    return duration == 0 ? MonotonicNs{0} : deadline_in(duration);
}

std::uint64_t time_left(MonotonicNs deadline) {
    auto const now = sys::clock_now();
    return deadline > now ? deadline.value - now.value : 0;
}

// The wait itself was interrupted: programs see EINTR if a handler runs, and wait anew otherwise.
Errno interrupted_wait(Errno error) {
    return error == Errno::erestartsys ? Errno::erestartnohand : error;
}

LinuxResult<> use_mask(GuestAddress mask, std::uint64_t set_size) {
    if (mask.is_null())
        return {};
    if (set_size != sizeof(SignalSet))
        return fail(Errno::einval);
    set_temporary_mask(LTRY(read_guest<SignalSet>(mask)));
    return {};
}

/// Room for as many elements as a program asked for: a few here, more on the heap. No more are made than that.
template <typename T, std::size_t inline_count>
class Room {
public:
    Room() = default;
    Room(Room const&) = delete;
    Room& operator=(Room const&) = delete;
    ~Room() { std::ranges::destroy(elements_); }

    /// Once.
    LinuxResult<std::span<T>> make(std::size_t count) {
        auto* place = inline_.data();
        if (count > inline_count) {
            heap_.reset(new (std::nothrow) Place[count]);
            if (heap_ == nullptr)
                return fail(Errno::enomem);
            place = heap_.get();
        }
#pragma clang unsafe_buffer_usage begin  // there is room for as many
        elements_ = std::span(reinterpret_cast<T*>(place), count);
#pragma clang unsafe_buffer_usage end
        std::ranges::uninitialized_value_construct(elements_);
        return elements_;
    }

private:
    struct alignas(T) Place {
        std::array<std::byte, sizeof(T)> bytes;
    };
    std::array<Place, inline_count> inline_;
    std::unique_ptr<Place[]> heap_;
    std::span<T> elements_;
};

// ---- poll ----

/// struct pollfd.
struct PollArgument {
    std::int32_t descriptor = 0;
    std::int16_t wanted = 0;
    std::int16_t ready = 0;
};

LinuxResult<std::uint64_t> poll_files(Task& task, GuestAddress files, std::uint32_t count, MonotonicNs deadline) {
    if (count > descriptor_limit(task))
        return fail(Errno::einval);
    Room<PollArgument, 32> argument_room;
    Room<PollEntry, 32> entry_room;
    auto const arguments = LTRY(argument_room.make(count));
    auto const entries = LTRY(entry_room.make(count));
    LTRY(copy_from_guest(std::as_writable_bytes(arguments), files));
    for (std::size_t index = 0; index < count; ++index)
        entries[index] = {.descriptor = arguments[index].descriptor,
                          .wanted = static_cast<std::uint16_t>(arguments[index].wanted)};
    auto const ready = wait_for_files(task.files(), entries, deadline);
    if (!ready)
        return fail(interrupted_wait(ready.error()));
    for (std::size_t index = 0; index < count; ++index)
        arguments[index].ready = static_cast<std::int16_t>(entries[index].ready);
    LTRY(copy_to_guest(files, std::as_bytes(arguments)));
    return *ready;
}

}  // namespace

LinuxResult<std::uint64_t> sys_poll(Task& task, GuestAddress files, std::uint32_t count, std::int32_t timeout_ms) {
    auto const deadline = deadline_from_milliseconds(timeout_ms);
    auto const ready = poll_files(task, files, count, deadline);
    if (ready || ready.error() != Errno::erestartnohand || deadline == never)
        return ready;
    // Without a handler it goes on with what is left of the timeout, not with all of it.
    task.restart = {.kind = RestartBlock::Kind::poll, .deadline = deadline, .arguments = {files.value, count}};
    return fail(Errno::erestart_restartblock);
}

LinuxResult<std::uint64_t> sys_ppoll(Task& task, GuestAddress files, std::uint32_t count, GuestAddress timeout,
                                     GuestAddress mask, std::uint64_t set_size) {
    auto const deadline = LTRY(deadline_from_timespec(timeout));
    LTRY(use_mask(mask, set_size));
    auto const result = poll_files(task, files, count, deadline);
    if (!timeout.is_null() && deadline.value != 0)
        (void)write_guest(timeout, to_timespec(time_left(deadline)));  // as Linux, which ignores a bad pointer here
    return result;
}

// ---- select ----

namespace {

constexpr std::uint32_t select_readable =
    poll_event::readable | poll_event::in_band | poll_event::hang_up | poll_event::error;
constexpr std::uint32_t select_writable = poll_event::writable | poll_event::out_band | poll_event::error;
constexpr std::uint32_t select_exceptional = poll_event::priority;

/// One fd_set argument, of as many whole words as the count needs.
class DescriptorSet {
public:
    LinuxResult<> read(GuestAddress address, std::size_t words) {
        address_ = address;
        words_ = LTRY(room_.make(words));
        std::ranges::fill(words_, 0);
        if (address.is_null())
            return {};
        return copy_from_guest(std::as_writable_bytes(words_), address);
    }
    LinuxResult<> write() const {
        return address_.is_null() ? LinuxResult<>() : copy_to_guest(address_, std::as_bytes(words_));
    }
    [[nodiscard]] bool has(std::size_t bit) const { return (words_[bit / 64] >> bit % 64 & 1) != 0; }
    void remove(std::size_t bit) { words_[bit / 64] &= ~(std::uint64_t{1} << bit % 64); }

private:
    GuestAddress address_;
    Room<std::uint64_t, 16> room_;
    std::span<std::uint64_t> words_;
};

LinuxResult<std::uint64_t> select_files(Task& task, std::int32_t count, GuestAddress readable, GuestAddress writable,
                                        GuestAddress exceptional, MonotonicNs deadline) {
    if (count < 0)
        return fail(Errno::einval);
    auto const bits = std::min<std::size_t>(static_cast<std::size_t>(count), FileTable::descriptor_limit);
    auto const words = (bits + 63) / 64;
    DescriptorSet reads;
    DescriptorSet writes;
    DescriptorSet exceptions;
    LTRY(reads.read(readable, words));
    LTRY(writes.read(writable, words));
    LTRY(exceptions.read(exceptional, words));
    std::size_t used = 0;
    for (std::size_t bit = 0; bit < bits; ++bit)
        used += reads.has(bit) || writes.has(bit) || exceptions.has(bit) ? 1 : 0;
    Room<PollEntry, 32> room;
    auto const entries = LTRY(room.make(used));
    std::size_t next = 0;
    for (std::size_t bit = 0; bit < bits; ++bit) {
        std::uint32_t wanted = 0;
        wanted |= reads.has(bit) ? select_readable : 0;
        wanted |= writes.has(bit) ? select_writable : 0;
        wanted |= exceptions.has(bit) ? select_exceptional : 0;
        if (wanted != 0)
            entries[next++] = {.descriptor = static_cast<std::int32_t>(bit), .wanted = wanted};
    }
    auto const waited = wait_for_files(task.files(), entries, deadline);
    if (!waited)
        return fail(interrupted_wait(waited.error()));
    std::uint64_t ready = 0;
    for (auto const& entry : entries) {
        if ((entry.ready & poll_event::invalid) != 0)
            return fail(Errno::ebadf);
    }
    // Each descriptor counts once for every set it is in.
    auto report = [&](DescriptorSet& set, std::uint32_t events) {
        for (auto const& entry : entries) {
            auto const bit = static_cast<std::size_t>(entry.descriptor);
            bool const was_wanted = set.has(bit);
            if (was_wanted && (entry.ready & events) == 0)
                set.remove(bit);
            else if (was_wanted)
                ++ready;
        }
    };
    report(reads, select_readable);
    report(writes, select_writable);
    report(exceptions, select_exceptional);
    LTRY(reads.write());
    LTRY(writes.write());
    LTRY(exceptions.write());
    return ready;
}

}  // namespace

LinuxResult<std::uint64_t> sys_select(Task& task, std::int32_t count, GuestAddress readable, GuestAddress writable,
                                      GuestAddress exceptional, GuestAddress timeout) {
    auto deadline = never;
    if (!timeout.is_null()) {
        auto time = LTRY(read_guest<LinuxTimeval>(timeout));
        // Whole seconds may hide in the microseconds.
        if (time.seconds < 0 || time.microseconds < 0)
            return fail(Errno::einval);
        if (__builtin_add_overflow(time.seconds, time.microseconds / 1'000'000, &time.seconds))
            return fail(Errno::einval);
        time.microseconds %= 1'000'000;
        auto const duration = LTRY(to_nanoseconds(time));
        deadline = duration == 0 ? MonotonicNs{0} : deadline_in(duration);
    }
    auto const result = select_files(task, count, readable, writable, exceptional, deadline);
    if (!timeout.is_null() && deadline.value != 0) {
        auto const left = time_left(deadline);
        (void)write_guest(timeout, LinuxTimeval{static_cast<std::int64_t>(left / nanoseconds_per_second),
                                                static_cast<std::int64_t>(left % nanoseconds_per_second / 1000)});
    }
    return result;
}

LinuxResult<std::uint64_t> sys_pselect6(Task& task, std::int32_t count, GuestAddress readable, GuestAddress writable,
                                        GuestAddress exceptional, GuestAddress timeout, GuestAddress mask) {
    auto const deadline = LTRY(deadline_from_timespec(timeout));
    if (!mask.is_null()) {
        struct MaskArgument {
            std::uint64_t address;
            std::uint64_t size;
        };
        auto const argument = LTRY(read_guest<MaskArgument>(mask));
        LTRY(use_mask(GuestAddress{argument.address}, argument.size));
    }
    auto const result = select_files(task, count, readable, writable, exceptional, deadline);
    if (!timeout.is_null() && deadline.value != 0)
        (void)write_guest(timeout, to_timespec(time_left(deadline)));
    return result;
}

// ---- epoll ----

namespace {

LinuxResult<std::uint64_t> create_epoll(Task& task, std::uint64_t flags) {
    if ((flags & ~std::uint64_t{open_flag::close_on_exec}) != 0)
        return fail(Errno::einval);
    return give_descriptor(task, LTRY(Epoll::create()), flags != 0);
}

LinuxResult<std::uint64_t> wait_for_epoll(Task& task, std::int32_t fd, GuestAddress events, std::int32_t count,
                                          MonotonicNs deadline) {
    if (count <= 0)
        return fail(Errno::einval);
    auto const file = LTRY(task.files().borrow(fd));
    auto* epoll = file_cast<Epoll>(*file);
    if (epoll == nullptr)
        return fail(Errno::einval);
    Room<EpollEvent, 64> room;
    auto const ready = LTRY(room.make(std::min<std::size_t>(static_cast<std::size_t>(count), 4096)));
    auto const found = epoll->wait(ready, deadline);
    if (!found)
        return fail(found.error() == Errno::erestartsys ? Errno::eintr : found.error());
    LTRY(copy_to_guest(events, std::as_bytes(ready.first(*found))));
    return *found;
}

}  // namespace

LinuxResult<std::uint64_t> sys_epoll_create(Task& task, std::int32_t size) {
    if (size <= 0)
        return fail(Errno::einval);
    return create_epoll(task, 0);
}
LinuxResult<std::uint64_t> sys_epoll_create1(Task& task, std::uint64_t flags) {
    return create_epoll(task, flags);
}

LinuxResult<std::uint64_t> sys_epoll_ctl(Task& task, std::int32_t fd, std::int32_t operation, std::int32_t file,
                                         GuestAddress event) {
    constexpr std::int32_t add = 1;     // EPOLL_CTL_ADD
    constexpr std::int32_t remove = 2;  // EPOLL_CTL_DEL
    constexpr std::int32_t modify = 3;  // EPOLL_CTL_MOD
    auto const epoll_file = LTRY(task.files().get(fd));
    auto const target = LTRY(task.files().get(file));
    auto* epoll = file_cast<Epoll>(*epoll_file);
    if (epoll == nullptr)
        return fail(Errno::einval);
    EpollEvent wanted{};
    if (operation != remove)
        wanted = LTRY(read_guest<EpollEvent>(event));
    switch (operation) {
    case add: LTRY(epoll->add(*target, file, wanted)); return 0;
    case remove: LTRY(epoll->remove(*target, file)); return 0;
    case modify: LTRY(epoll->modify(*target, file, wanted)); return 0;
    default: return fail(Errno::einval);
    }
}

LinuxResult<std::uint64_t> sys_epoll_wait(Task& task, std::int32_t fd, GuestAddress events, std::int32_t count,
                                          std::int32_t timeout_ms) {
    return wait_for_epoll(task, fd, events, count, deadline_from_milliseconds(timeout_ms));
}
LinuxResult<std::uint64_t> sys_epoll_pwait(Task& task, std::int32_t fd, GuestAddress events, std::int32_t count,
                                           std::int32_t timeout_ms, GuestAddress mask, std::uint64_t set_size) {
    LTRY(use_mask(mask, set_size));
    return wait_for_epoll(task, fd, events, count, deadline_from_milliseconds(timeout_ms));
}
LinuxResult<std::uint64_t> sys_epoll_pwait2(Task& task, std::int32_t fd, GuestAddress events, std::int32_t count,
                                            GuestAddress timeout, GuestAddress mask, std::uint64_t set_size) {
    auto const deadline = LTRY(deadline_from_timespec(timeout));
    LTRY(use_mask(mask, set_size));
    return wait_for_epoll(task, fd, events, count, deadline);
}

// ---- Files to wait on ----

LinuxResult<std::uint64_t> sys_eventfd2(Task& task, std::uint32_t count, std::uint64_t flags) {
    constexpr std::uint64_t semaphore = 1;  // EFD_SEMAPHORE
    if ((flags & ~(semaphore | open_flag::close_on_exec | open_flag::non_blocking)) != 0)
        return fail(Errno::einval);
    auto file = LTRY(make_ref<EventFile>(count, (flags & semaphore) != 0,
                                         static_cast<std::uint32_t>(flags) & open_flag::non_blocking));
    return give_descriptor(task, std::move(file), (flags & open_flag::close_on_exec) != 0);
}
LinuxResult<std::uint64_t> sys_eventfd(Task& task, std::uint32_t count) {
    return sys_eventfd2(task, count, 0);
}

LinuxResult<std::uint64_t> sys_timerfd_create(Task& task, std::int32_t clock, std::uint64_t flags) {
    if ((flags & ~std::uint64_t{open_flag::close_on_exec | open_flag::non_blocking}) != 0)
        return fail(Errno::einval);
    if (!is_wall_clock(clock) && !is_monotonic_clock(clock))
        return fail(Errno::einval);
    auto file = LTRY(make_ref<TimerFile>(clock, static_cast<std::uint32_t>(flags) & open_flag::non_blocking));
    return give_descriptor(task, std::move(file), (flags & open_flag::close_on_exec) != 0);
}

namespace {

LinuxTimerSpec to_timer_spec(TimerFile::Setting const& setting) {
    return {
        .interval = to_timespec(setting.interval_ns),
        // An armed timer never shows zero, which would mean disarmed.
        .value = setting.deadline == never ? LinuxTimespec{}
                                           : to_timespec(std::max<std::uint64_t>(time_left(setting.deadline), 1)),
    };
}

}  // namespace

LinuxResult<std::uint64_t> sys_timerfd_settime(Task& task, std::int32_t fd, std::uint64_t flags, GuestAddress value,
                                               GuestAddress old) {
    constexpr std::uint64_t absolute = 1;       // TFD_TIMER_ABSTIME
    constexpr std::uint64_t cancel_on_set = 2;  // TFD_TIMER_CANCEL_ON_SET
    if ((flags & ~(absolute | cancel_on_set)) != 0)
        return fail(Errno::einval);
    auto const file = LTRY(task.files().get(fd));
    auto* timer = file_cast<TimerFile>(*file);
    if (timer == nullptr)
        return fail(Errno::einval);
    auto const wanted = LTRY(read_guest<LinuxTimerSpec>(value));
    TimerFile::Setting setting;
    auto const time = LTRY(to_nanoseconds(wanted.value));
    setting.interval_ns = LTRY(to_nanoseconds(wanted.interval));
    if (time != 0)
        setting.deadline = (flags & absolute) != 0 ? LTRY(deadline_on(timer->clock(), time)) : deadline_in(time);
    auto const former = LTRY(timer->set(setting));
    if (!old.is_null())
        LTRY(write_guest(old, to_timer_spec(former)));
    return 0;
}

LinuxResult<std::uint64_t> sys_timerfd_gettime(Task& task, std::int32_t fd, GuestAddress value) {
    auto const file = LTRY(task.files().get(fd));
    auto* timer = file_cast<TimerFile>(*file);
    if (timer == nullptr)
        return fail(Errno::einval);
    LTRY(write_guest(value, to_timer_spec(timer->setting())));
    return 0;
}

LinuxResult<std::uint64_t> sys_signalfd4(Task& task, std::int32_t fd, GuestAddress mask, std::uint64_t set_size,
                                         std::uint64_t flags) {
    if ((flags & ~std::uint64_t{open_flag::close_on_exec | open_flag::non_blocking}) != 0 ||
        set_size != sizeof(SignalSet))
        return fail(Errno::einval);
    auto const wanted = LTRY(read_guest<SignalSet>(mask)) & ~unblockable_signals;
    if (fd == -1) {
        auto file = LTRY(make_ref<SignalFile>(wanted, static_cast<std::uint32_t>(flags) & open_flag::non_blocking));
        return give_descriptor(task, std::move(file), (flags & open_flag::close_on_exec) != 0);
    }
    auto const file = LTRY(task.files().get(fd));
    auto* signals = file_cast<SignalFile>(*file);
    if (signals == nullptr)
        return fail(Errno::einval);
    signals->set_mask(wanted);
    return static_cast<std::uint64_t>(fd);
}
LinuxResult<std::uint64_t> sys_signalfd(Task& task, std::int32_t fd, GuestAddress mask, std::uint64_t set_size) {
    return sys_signalfd4(task, fd, mask, set_size, 0);
}

}  // namespace astrata::linux_abi
