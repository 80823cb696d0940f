// epoll instances (epoll(7)).
//
// A watch lies on the wait queues of its file and, when one is woken, marks itself and wakes its instance; waiting then
// asks only the marked files. Level-triggered watches that are still ready stay marked, edge-triggered ones do not.
//
// Locks, in this order: the epoll mutex (who watches what: epoll_ctl, and the end of files and instances), an
// instance's mutex (an outer instance's before that of one it watches), then the watched files' own. Wake-ups take none
// of these.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "lib/base/intrusive_list.h"
#include "lib/base/units.h"
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

/// struct epoll_event; packed on x86_64 only.
struct [[gnu::packed]] EpollEvent {
    std::uint32_t events = 0;
    std::uint64_t data = 0;
};
static_assert(sizeof(EpollEvent) == 12);

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
    /// In the order of reports: how many watches of one bucket lie before it.
    struct Position {
        std::size_t bucket = 0;
        std::size_t passed = 0;
    };
    [[nodiscard]] std::size_t bucket_of(File const& file, std::int32_t descriptor) const;
    [[nodiscard]] EpollWatch* find_locked(File const& file, std::int32_t descriptor) REQUIRES(mutex_);
    std::size_t collect_locked(std::span<EpollEvent> events) REQUIRES(mutex_);
    std::uint32_t take_events_locked(EpollWatch& watch) REQUIRES(mutex_);
    [[nodiscard]] bool is_anything_ready();
    void end_watch_locked(EpollWatch& watch) REQUIRES(mutex_);
    [[nodiscard]] bool reaches(Epoll const& target, unsigned depth);

    Mutex mutex_;
    std::array<EpollWatch*, bucket_count> watches_ GUARDED_BY(mutex_) = {};
    Position next_ GUARDED_BY(mutex_);  // where the next report begins
    WaitQueue ready_queue_;
};

}  // namespace astrata::linux_abi
