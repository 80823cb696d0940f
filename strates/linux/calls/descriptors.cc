// System calls that make, change and end descriptors, and fcntl, flock and ioctl.

#include <algorithm>
#include <array>

#include "linux_calls/table.h"
#include "strates/linux/calls/arguments.h"
#include "strates/linux/file/file_locks.h"
#include "strates/linux/file/ioctl.h"
#include "strates/linux/pipe/pipe.h"
#include "strates/linux/process/process.h"

namespace astrata::linux_abi {

// ---- Descriptors ----

LinuxResult<std::uint64_t> sys_close(Task& task, std::int32_t fd) {
    LTRY(task.files().close(fd));
    return 0;
}

LinuxResult<std::uint64_t> sys_close_range(Task& task, std::uint32_t first, std::uint32_t last, std::uint64_t flags) {
    constexpr std::uint64_t unshare = 2;        // CLOSE_RANGE_UNSHARE
    constexpr std::uint64_t close_on_exec = 4;  // CLOSE_RANGE_CLOEXEC
    if ((flags & ~(unshare | close_on_exec)) != 0 || first > last)
        return fail(Errno::einval);
    if ((flags & unshare) != 0)
        task.set_files(LTRY(task.files().clone()));
    task.files().close_range(first, last, (flags & close_on_exec) != 0);
    return 0;
}

LinuxResult<std::uint64_t> sys_dup(Task& task, std::int32_t fd) {
    return give_descriptor(task, LTRY(task.files().get(fd)), false);
}

LinuxResult<std::uint64_t> sys_dup2(Task& task, std::int32_t old, std::int32_t new_fd) {
    auto file = LTRY(task.files().get(old));
    if (old != new_fd)
        LTRY(task.files().replace(new_fd, std::move(file), false, descriptor_limit(task)));
    return static_cast<std::uint64_t>(new_fd);
}

LinuxResult<std::uint64_t> sys_dup3(Task& task, std::int32_t old, std::int32_t new_fd, std::uint64_t flags) {
    if ((flags & ~std::uint64_t{open_flag::close_on_exec}) != 0 || old == new_fd)
        return fail(Errno::einval);
    auto file = LTRY(task.files().get(old));
    LTRY(task.files().replace(new_fd, std::move(file), flags != 0, descriptor_limit(task)));
    return static_cast<std::uint64_t>(new_fd);
}

namespace {

LinuxResult<std::uint64_t> make_pipe_at(Task& task, GuestAddress fds, std::uint64_t flags) {
    constexpr std::uint64_t accepted = open_flag::close_on_exec | open_flag::non_blocking | open_flag::direct;
    if ((flags & ~accepted) != 0)
        return fail(Errno::einval);
    auto ends = LTRY(make_pipe(static_cast<std::uint32_t>(flags)));
    bool const close_on_exec = (flags & open_flag::close_on_exec) != 0;
    auto const limit = descriptor_limit(task);
    auto const read_end = LTRY(task.files().insert(std::move(ends.read_end), close_on_exec, limit));
    auto const write_end = task.files().insert(std::move(ends.write_end), close_on_exec, limit);
    if (!write_end) {
        (void)task.files().close(read_end);
        return fail(write_end.error());
    }
    std::array const descriptors{read_end, *write_end};
    if (auto const written = write_guest(fds, descriptors); !written) {
        (void)task.files().close(read_end);
        (void)task.files().close(*write_end);
        return fail(written.error());
    }
    return 0;
}

}  // namespace

LinuxResult<std::uint64_t> sys_pipe(Task& task, GuestAddress fds) {
    return make_pipe_at(task, fds, 0);
}
LinuxResult<std::uint64_t> sys_pipe2(Task& task, GuestAddress fds, std::uint64_t flags) {
    return make_pipe_at(task, fds, flags);
}

// ---- fcntl ----

namespace {

namespace fcntl_command {
constexpr std::int32_t duplicate = 0;                   // F_DUPFD
constexpr std::int32_t get_descriptor_flags = 1;        // F_GETFD
constexpr std::int32_t set_descriptor_flags = 2;        // F_SETFD
constexpr std::int32_t get_flags = 3;                   // F_GETFL
constexpr std::int32_t set_flags = 4;                   // F_SETFL
constexpr std::int32_t get_lock = 5;                    // F_GETLK
constexpr std::int32_t set_lock = 6;                    // F_SETLK
constexpr std::int32_t set_lock_wait = 7;               // F_SETLKW
constexpr std::int32_t set_owner = 8;                   // F_SETOWN
constexpr std::int32_t get_owner = 9;                   // F_GETOWN
constexpr std::int32_t set_signal = 10;                 // F_SETSIG
constexpr std::int32_t get_signal = 11;                 // F_GETSIG
constexpr std::int32_t get_file_lock = 36;              // F_OFD_GETLK
constexpr std::int32_t set_file_lock = 37;              // F_OFD_SETLK
constexpr std::int32_t set_file_lock_wait = 38;         // F_OFD_SETLKW
constexpr std::int32_t duplicate_close_on_exec = 1030;  // F_DUPFD_CLOEXEC
constexpr std::int32_t set_pipe_size = 1031;            // F_SETPIPE_SZ
constexpr std::int32_t get_pipe_size = 1032;            // F_GETPIPE_SZ
constexpr std::int32_t add_seals = 1033;                // F_ADD_SEALS
constexpr std::int32_t get_seals = 1034;                // F_GET_SEALS
}  // namespace fcntl_command

constexpr std::int16_t lock_shared = 0;     // F_RDLCK
constexpr std::int16_t lock_exclusive = 1;  // F_WRLCK
constexpr std::int16_t lock_none = 2;       // F_UNLCK

/// struct flock.
struct FlockArgument {
    std::int16_t type = 0;
    std::int16_t origin = 0;
    std::int32_t padding = 0;
    std::int64_t start = 0;
    std::int64_t length = 0;
    std::int32_t process = 0;
    std::int32_t padding2 = 0;
};
static_assert(sizeof(FlockArgument) == 32);

LinuxResult<LockRange> lock_range(File& file, FlockArgument const& argument) {
    std::int64_t base = 0;
    switch (static_cast<SeekOrigin>(argument.origin)) {
    case SeekOrigin::set: break;
    case SeekOrigin::current: base = static_cast<std::int64_t>(LTRY(file.seek(0, SeekOrigin::current))); break;
    case SeekOrigin::end: base = static_cast<std::int64_t>(LTRY(file.end_position())); break;
    default: return fail(Errno::einval);
    }
    std::int64_t first = 0;
    std::int64_t end = 0;
    if (__builtin_add_overflow(base, argument.start, &first) || __builtin_add_overflow(first, argument.length, &end))
        return fail(Errno::eoverflow);
    if (argument.length < 0)  // the bytes before the start
        std::swap(first, end);
    if (first < 0)
        return fail(Errno::einval);
    return LockRange{static_cast<std::uint64_t>(first),
                     argument.length == 0 ? ~std::uint64_t{0} : static_cast<std::uint64_t>(end) - 1};
}

LinuxResult<std::uint64_t> record_lock(Task& task, File& file, std::int32_t command, GuestAddress address) {
    auto argument = LTRY(read_guest<FlockArgument>(address));
    bool const belongs_to_file = command >= fcntl_command::get_file_lock;
    if (file.inode() == nullptr || file.is_path_only())
        return fail(Errno::ebadf);
    if (belongs_to_file && argument.process != 0)
        return fail(Errno::einval);
    auto* const locks = LTRY(file.inode()->make_locks());
    auto const range = LTRY(lock_range(file, argument));
    void const* const owner = belongs_to_file ? static_cast<void const*>(&file) : &task.files();
    RecordLock const lock{
        .range = range,
        .is_exclusive = argument.type == lock_exclusive,
        .owner = owner,
        .process = belongs_to_file ? 0 : task.process().id,
    };
    if (command == fcntl_command::get_lock || command == fcntl_command::get_file_lock) {
        if (argument.type != lock_shared && argument.type != lock_exclusive)
            return fail(Errno::einval);
        auto const conflict = locks->conflicting_record(lock);
        argument.type = lock_none;
        if (conflict) {
            auto const end = conflict->range.last;
            argument = {
                .type = conflict->is_exclusive ? lock_exclusive : lock_shared,
                .start = static_cast<std::int64_t>(conflict->range.first),
                .length = end == ~std::uint64_t{0} ? 0 : static_cast<std::int64_t>(end - conflict->range.first + 1),
                .process = conflict->process == 0 ? -1 : static_cast<std::int32_t>(conflict->process),
            };
        }
        LTRY(write_guest(address, argument));
        return 0;
    }
    switch (argument.type) {
    case lock_none: LTRY(locks->clear_record(owner, range)); return 0;
    case lock_shared:
        if (!file.can_read())
            return fail(Errno::ebadf);
        break;
    case lock_exclusive:
        if (!file.can_write())
            return fail(Errno::ebadf);
        break;
    default: return fail(Errno::einval);
    }
    LTRY(locks->set_record(lock,
                           command == fcntl_command::set_lock_wait || command == fcntl_command::set_file_lock_wait));
    return 0;
}

}  // namespace

LinuxResult<std::uint64_t> sys_fcntl(Task& task, std::int32_t fd, std::int32_t command, std::uint64_t argument) {
    auto file = LTRY(task.files().get(fd));
    switch (command) {
    case fcntl_command::duplicate:
    case fcntl_command::duplicate_close_on_exec: {
        auto const limit = descriptor_limit(task);
        if (argument >= limit || argument > 0x7fff'ffff)
            return fail(Errno::einval);
        return static_cast<std::uint64_t>(
            LTRY(task.files().insert(std::move(file), command == fcntl_command::duplicate_close_on_exec, limit,
                                     static_cast<std::int32_t>(argument))));
    }
    case fcntl_command::get_descriptor_flags: return LTRY(task.files().is_close_on_exec(fd)) ? 1 : 0;
    case fcntl_command::set_descriptor_flags: LTRY(task.files().set_close_on_exec(fd, (argument & 1) != 0)); return 0;
    case fcntl_command::get_flags: return file->flags() | (file->is_seekable() ? open_flag::large_file : 0);
    case fcntl_command::set_flags: {
        if (file->is_path_only())
            return fail(Errno::ebadf);
        auto const kept = file->flags() & ~open_flag::changeable;
        file->set_flags(kept | (static_cast<std::uint32_t>(argument) & open_flag::changeable));
        return 0;
    }
    case fcntl_command::get_lock:
    case fcntl_command::set_lock:
    case fcntl_command::set_lock_wait:
    case fcntl_command::get_file_lock:
    case fcntl_command::set_file_lock:
    case fcntl_command::set_file_lock_wait: return record_lock(task, *file, command, GuestAddress{argument});
    case fcntl_command::get_owner:
    case fcntl_command::get_signal: return 0;
    // Signals on readiness (SIGIO) are never sent; programs that ask for them also poll.
    case fcntl_command::set_owner:
    case fcntl_command::set_signal: return 0;
    case fcntl_command::get_pipe_size:
    case fcntl_command::set_pipe_size: {
        auto* pipe = file_cast<PipeFile>(*file);
        if (pipe == nullptr)
            return fail(Errno::ebadf);
        return command == fcntl_command::get_pipe_size
                   ? LinuxResult<std::uint64_t>(pipe->pipe().capacity())
                   : LinuxResult<std::uint64_t>(LTRY(pipe->pipe().set_capacity(argument)));
    }
    case fcntl_command::add_seals: return fail(Errno::eperm);
    case fcntl_command::get_seals: return 1;  // F_SEAL_SEAL: no seals can be set
    default: return fail(Errno::einval);
    }
}

LinuxResult<std::uint64_t> sys_flock(Task& task, std::int32_t fd, std::int32_t operation) {
    constexpr std::int32_t shared = 1;        // LOCK_SH
    constexpr std::int32_t exclusive = 2;     // LOCK_EX
    constexpr std::int32_t non_blocking = 4;  // LOCK_NB
    constexpr std::int32_t unlock = 8;        // LOCK_UN
    auto const file = LTRY(task.files().get(fd));
    if (file->inode() == nullptr || file->is_path_only())
        return fail(Errno::ebadf);
    auto* const locks = LTRY(file->inode()->make_locks());
    auto const what = operation & ~non_blocking;
    if (what == unlock)
        locks->release_whole_file(*file);
    else if (what == shared || what == exclusive)
        LTRY(locks->set_whole_file(*file, what == exclusive, (operation & non_blocking) == 0));
    else
        return fail(Errno::einval);
    return 0;
}

// ---- ioctl ----

LinuxResult<std::uint64_t> sys_ioctl(Task& task, std::int32_t fd, std::uint64_t request_wide, std::uint64_t argument) {
    auto const request = static_cast<std::uint32_t>(request_wide);
    auto const file = LTRY(task.files().get(fd));
    if (file->is_path_only())
        return fail(Errno::ebadf);
    switch (request) {
    case ioctl_request::set_close_on_exec: LTRY(task.files().set_close_on_exec(fd, true)); return 0;
    case ioctl_request::clear_close_on_exec: LTRY(task.files().set_close_on_exec(fd, false)); return 0;
    case ioctl_request::set_non_blocking:
    case ioctl_request::set_async: {
        auto const is_set = LTRY(read_guest<std::int32_t>(GuestAddress{argument})) != 0;
        auto const flag = request == ioctl_request::set_async ? open_flag::async : open_flag::non_blocking;
        file->set_flags(is_set ? file->flags() | flag : file->flags() & ~flag);
        return 0;
    }
    case ioctl_request::readable_bytes:
        if (auto const* inode = file->inode(); inode != nullptr && inode->is_regular()) {
            auto const position = LTRY(file->seek(0, SeekOrigin::current));
            auto const size = inode->size();
            auto const rest = size > position ? std::min<std::uint64_t>(size - position, 0x7fff'ffff) : 0;
            LTRY(write_guest(GuestAddress{argument}, static_cast<std::int32_t>(rest)));
            return 0;
        }
        break;
    case ioctl_request::clone_file: return fail(Errno::eopnotsupp);
    default: break;
    }
    return static_cast<std::uint64_t>(LTRY(file->ioctl(request, argument)));
}

}  // namespace astrata::linux_abi
