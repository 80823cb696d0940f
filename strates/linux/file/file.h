// An open file description: what open() makes and file descriptors share (open(2)).
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include "abi/message.h"
#include "lib/base/intrusive_list.h"
#include "lib/base/ref.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/core/guest_memory.h"
#include "strates/linux/core/io_buffer.h"
#include "strates/linux/core/lock.h"
#include "strates/linux/core/wait.h"
#include "strates/linux/vfs/constants.h"
#include "strates/linux/vfs/inode.h"
#include "strates/linux/vfs/path.h"

namespace astrata::linux_abi {

class EpollWatch;
class FileTable;

/// Readiness, as poll(2) and epoll(7) report it.
namespace poll_event {
inline constexpr std::uint32_t in = 0x1;            // POLLIN
inline constexpr std::uint32_t priority = 0x2;      // POLLPRI
inline constexpr std::uint32_t out = 0x4;           // POLLOUT
inline constexpr std::uint32_t error = 0x8;         // POLLERR
inline constexpr std::uint32_t hang_up = 0x10;      // POLLHUP
inline constexpr std::uint32_t invalid = 0x20;      // POLLNVAL
inline constexpr std::uint32_t in_normal = 0x40;    // POLLRDNORM
inline constexpr std::uint32_t in_band = 0x80;      // POLLRDBAND
inline constexpr std::uint32_t out_normal = 0x100;  // POLLWRNORM
inline constexpr std::uint32_t out_band = 0x200;    // POLLWRBAND
inline constexpr std::uint32_t peer_shut = 0x2000;  // POLLRDHUP
inline constexpr std::uint32_t readable = in | in_normal;
inline constexpr std::uint32_t writable = out | out_normal;
}  // namespace poll_event

/// Collects the wait queues that a file's readiness depends on; poll, select and epoll each bring their own.
class PollTable {
public:
    virtual void add(WaitQueue& queue) = 0;

protected:
    ~PollTable() = default;
};

/// What mmap asks of a file.
struct MapRequest {
    std::uint64_t offset = 0;  // page-aligned
    std::uint64_t length = 0;  // page-aligned, > 0
    bool is_shared = false;
    bool is_writable = false;  // now, or by mprotect later
    bool is_executable = false;
};
/// What to map. The handle is borrowed: valid as long as the file (or its inode) is.
struct FileMapping {
    abi::Handle object = 0;  // 0: fresh anonymous memory (/dev/zero)
    std::uint64_t offset = 0;
    std::uint64_t object_size = 0;  // bytes of `object`; pages beyond it cannot be mapped
};

class File : public RefCounted<File> {
public:
    static void destroy(File* file);
    File(File const&) = delete;

    /// O_* without those that only matter to open.
    [[nodiscard]] std::uint32_t flags() const { return flags_.load(std::memory_order_relaxed); }
    void set_flags(std::uint32_t flags) { flags_.store(flags, std::memory_order_relaxed); }
    [[nodiscard]] bool can_read() const {
        auto const flags = this->flags();
        return (flags & open_flag::access_mode) != open_flag::write_only && (flags & open_flag::path_only) == 0;
    }
    [[nodiscard]] bool can_write() const {
        auto const flags = this->flags();
        return (flags & open_flag::access_mode) != open_flag::read_only && (flags & open_flag::path_only) == 0;
    }
    [[nodiscard]] bool is_path_only() const { return (flags() & open_flag::path_only) != 0; }
    [[nodiscard]] bool is_non_blocking() const { return (flags() & open_flag::non_blocking) != 0; }

    /// Where it was opened; null for what has no name (pipes, eventfds).
    [[nodiscard]] Path const* path() const { return path_.has_value() ? &*path_ : nullptr; }
    [[nodiscard]] Inode* inode() const { return path_.has_value() ? path_->dentry->inode() : nullptr; }

    // ---- Whole operations, as system calls use them ----

    /// Whether anybody else may use the file meanwhile. The position of one that nobody else knows needs no lock.
    enum class Reach : std::uint8_t { shared, sole };
    /// read(2) and write(2) at the file's own position.
    LinuxResult<std::size_t> read_here(IoBuffer& into, Reach reach = Reach::shared) NO_THREAD_SAFETY_ANALYSIS {
        if (!can_read()) [[unlikely]]
            return fail(Errno::ebadf);
        return reach == Reach::sole ? read(into, position_) : read_locked(into);
    }
    LinuxResult<std::size_t> write_here(IoBuffer& from, Reach reach = Reach::shared) NO_THREAD_SAFETY_ANALYSIS {
        if (!can_write()) [[unlikely]]
            return fail(Errno::ebadf);
        return reach == Reach::sole ? write(from, position_) : write_locked(from);
    }
    /// pread(2) and pwrite(2).
    /// errors    espipe
    LinuxResult<std::size_t> read_at(IoBuffer& into, std::uint64_t position);
    LinuxResult<std::size_t> write_at(IoBuffer& from, std::uint64_t position);
    LinuxResult<std::uint64_t> seek(std::int64_t offset, SeekOrigin origin);
    /// Offers entries to `sink` from the file's position on and moves it: getdents64.
    LinuxResult<> read_entries(DirectorySink& sink);

    // ---- What kinds of files implement. Access mode and arguments have been checked. ----

    /// Moves `position` on if the file has positions. 0: end of file.
    /// errors    eagain (O_NONBLOCK), erestartsys (interrupted), efault...
    virtual LinuxResult<std::size_t> read(IoBuffer& into, std::uint64_t& position);
    virtual LinuxResult<std::size_t> write(IoBuffer& from, std::uint64_t& position);
    /// Whether it has positions.
    [[nodiscard]] virtual bool is_seekable() const { return false; }
    /// The end that SEEK_END counts from.
    virtual LinuxResult<std::uint64_t> end_position();
    /// SEEK_DATA and SEEK_HOLE.
    virtual LinuxResult<std::uint64_t> seek_data(std::uint64_t offset, bool wants_hole);
    virtual LinuxResult<std::int64_t> ioctl(std::uint32_t request, std::uint64_t argument);
    /// Present readiness. With a table, adds the queues that are woken when it changes first.
    virtual std::uint32_t poll(PollTable* table);
    virtual LinuxResult<FileMapping> map(MapRequest const& request);
    virtual LinuxResult<> read_directory(std::uint64_t position, DirectorySink& sink);
    virtual LinuxResult<> read_attributes(Attributes& into);
    LinuxResult<Attributes> attributes();
    virtual LinuxResult<> truncate(std::uint64_t size);
    virtual LinuxResult<> allocate(std::uint32_t mode, std::uint64_t offset, std::uint64_t length);
    virtual LinuxResult<> synchronize() { return {}; }
    /// Opening it once more through /proc/PID/fd, for files without a path.
    /// errors    eacces (more access than it has)
    virtual LinuxResult<Ref<File>> open_again(std::uint32_t flags);
    /// A descriptor of it was closed, by close, exec or exit, in the table `owner`.
    virtual void on_close(FileTable const& owner);
    /// How /proc/self/fd shows it if it has no path: "pipe:[7]", "anon_inode:[eventpoll]". Written to `into`.
    virtual std::string_view describe(std::span<char> into) const;
    /// The kind behind it, for calls that want one kind only. Compared by address; see `file_cast`.
    [[nodiscard]] virtual void const* kind() const { return nullptr; }

    /// The epoll instances that watch it; guarded by the epoll mutex (poll/epoll.h).
    EpollWatch* epoll_watches = nullptr;

protected:
    /// path    copied; null for an anonymous file
    File(Path const* path, std::uint32_t flags);
    virtual ~File();

    static constexpr std::uint32_t kept_flags = open_flag::access_mode | open_flag::append | open_flag::non_blocking |
                                                open_flag::data_sync | open_flag::async | open_flag::direct |
                                                open_flag::large_file | open_flag::directory | open_flag::no_follow |
                                                open_flag::no_access_time | open_flag::sync | open_flag::path_only;

private:
    friend class RefCounted<File>;
    LinuxResult<std::size_t> read_locked(IoBuffer& into);
    LinuxResult<std::size_t> write_locked(IoBuffer& from);
    std::optional<Path> path_;
    std::atomic<std::uint32_t> flags_;
    Mutex position_mutex_;
    std::uint64_t position_ GUARDED_BY(position_mutex_) = 0;
};

/// `file` as a Kind, or null. Kinds have `static constexpr char kind_mark` whose address tells them apart (there is no
/// RTTI).
template <typename Kind>
[[nodiscard]] Kind* file_cast(File& file) {
    return file.kind() == &Kind::kind_mark ? static_cast<Kind*>(&file) : nullptr;
}

}  // namespace astrata::linux_abi
