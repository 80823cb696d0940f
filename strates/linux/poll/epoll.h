// epoll instances (epoll(7)).
//
// A watch lies on the wait queues of its file and, when one is woken, lists itself as ready and wakes its instance; waiting
// then asks only the listed files, however many are watched. Level-triggered watches that are still ready are listed again,
// at the end, so that all take turns when there is little room; edge-triggered ones are not.
//
// Locks, in this order: the epoll mutex (who watches what: epoll_ctl, and the end of files and instances), an
// instance's mutex (an outer instance's before that of one it watches), the watched files' own, their queues', an instance's
// ready mutex. Wake-ups take the last alone.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "lib/base/intrusive_list.h"
#include "lib/base/units.h"
#include "linux_calls/machine.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/core/wait.h"
#include "strates/linux/file/file.h"
#include "strates/linux/poll/epoll_watches.h"

namespace astrata::linux_abi {

namespace epoll_flag {
inline constexpr std::uint32_t exclusive = 1u << 28;       // EPOLLEXCLUSIVE
inline constexpr std::uint32_t wake_up = 1u << 29;         // EPOLLWAKEUP
inline constexpr std::uint32_t one_shot = 1u << 30;        // EPOLLONESHOT
inline constexpr std::uint32_t edge_triggered = 1u << 31;  // EPOLLET
inline constexpr std::uint32_t all = exclusive | wake_up | one_shot | edge_triggered;
}  // namespace epoll_flag

using machine::EpollEvent;

/// A watch's place among the ready ones of its instance.
struct ReadyPlace {
    ListLink<ReadyPlace> link;
};

class Epoll final : public File {
public:
    static constexpr char kind_mark = 0;
    static LinuxResult<Ref<Epoll>> create();

    /// epoll_ctl(2).
    /// errors    eexist, enoent, enomem, eperm (a file that is always ready), eloop, einval
    LinuxResult<> add(File& file, std::int32_t descriptor, EpollEvent const& event);
    LinuxResult<> modify(File& file, std::int32_t descriptor, EpollEvent const& event);
    LinuxResult<> remove(File& file, std::int32_t descriptor);
    /// Fills `events` from the front and returns how many; waits until `deadline` for the first.
    LinuxResult<std::size_t> wait(std::span<EpollEvent> events, MonotonicNs deadline);

    std::uint32_t poll(PollTable* table) override;
    std::string_view describe(std::span<char>) const override { return "anon_inode:[eventpoll]"; }
    [[nodiscard]] void const* kind() const override { return &kind_mark; }

private:
    friend class EpollWatch;
    friend void end_epoll_watches(File& file);
    Epoll() : File(nullptr, open_flag::read_write) {}
    ~Epoll() override;

    static constexpr std::size_t bucket_count = 64;
    [[nodiscard]] std::size_t bucket_of(File const& file, std::int32_t descriptor) const;
    [[nodiscard]] EpollWatch* find_locked(File const& file, std::int32_t descriptor) REQUIRES(mutex_);
    std::size_t collect_locked(std::span<EpollEvent> events) REQUIRES(mutex_);
    /// Calls `look` with each watch that is listed, once, until it returns false. It is not listed any more then.
    template <typename Look>
    void for_each_ready_locked(Look look) REQUIRES(mutex_);
    [[nodiscard]] EpollWatch* take_first_ready_locked() REQUIRES(mutex_);
    [[nodiscard]] bool has_ready();
    void list(EpollWatch& watch);
    void list_and_wake(EpollWatch& watch);
    [[nodiscard]] bool is_anything_ready();
    void end_watch_locked(EpollWatch& watch) REQUIRES(mutex_);
    [[nodiscard]] bool reaches(Epoll const& target, unsigned depth);

    Mutex mutex_;
    std::array<EpollWatch*, bucket_count> watches_ GUARDED_BY(mutex_) = {};
    Mutex ready_mutex_;
    IntrusiveList<ReadyPlace, &ReadyPlace::link> ready_ GUARDED_BY(ready_mutex_);
    WaitQueue ready_queue_;
};

}  // namespace astrata::linux_abi
