// System calls that move bytes through descriptors.

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "linux_calls/table.h"
#include "strates/linux/calls/arguments.h"
#include "strates/linux/core/io_buffer.h"
#include "strates/linux/pipe/pipe.h"
#include "strates/linux/process/process.h"
#include "strates/linux/signal/send.h"

namespace astrata::linux_abi {

// ---- Transfers ----

namespace {

// RLIMIT_FSIZE: how much may be written to `file` from `position` on, or where the file stands. More than nothing is
// cut short; nothing is an error, and SIGXFSZ has been sent.
// errors    efbig
[[gnu::noinline]] LinuxResult<std::uint64_t> room_below_limit(Task& task, File& file,
                                                              std::optional<std::uint64_t> position) {
    auto const limit = task.process().limits.soft(LimitKind::file_size);
    if (file.inode() == nullptr || !file.inode()->is_regular())
        return unlimited;
    if (!position || (file.flags() & open_flag::append) != 0)
        position = LTRY(file.seek(0, SeekOrigin::current));
    if ((file.flags() & open_flag::append) != 0)
        position = LTRY(file.end_position());
    if (*position < limit)
        return limit - *position;
    send_to_current(Signal::sigxfsz);
    return fail(Errno::efbig);
}

// Also of what a file is to be as a whole.
LinuxResult<> check_file_size(Task& task, std::uint64_t size) {
    if (size <= task.process().limits.soft(LimitKind::file_size))
        return {};
    send_to_current(Signal::sigxfsz);
    return fail(Errno::efbig);
}

LinuxResult<> cut_to_limit(Task& task, File& file, std::optional<std::uint64_t> position, IoBuffer& from) {
    if (task.process().limits.limits_file_size() && from.remaining() != 0) [[unlikely]]
        from.cut(LTRY(room_below_limit(task, file, position)));
    return {};
}

// Of a task whose files others may change meanwhile.
[[gnu::noinline]] LinuxResult<std::uint64_t> read_borrowed(Task& task, std::int32_t fd, GuestAddress buffer,
                                                           std::uint64_t count) {
    auto const file = LTRY(task.files().borrow(fd));
    auto into = IoBuffer::from_guest(buffer, count);
    return file->read_here(into, file.reach());
}

[[gnu::noinline]] LinuxResult<std::uint64_t> write_borrowed(Task& task, std::int32_t fd, GuestAddress buffer,
                                                            std::uint64_t count) {
    auto const file = LTRY(task.files().borrow(fd));
    auto from = IoBuffer::from_guest(buffer, count);
    LTRY(cut_to_limit(task, *file, std::nullopt, from));
    return file->write_here(from, file.reach());
}

File::Reach reach_of(File const& own_file) {
    return own_file.reference_count() == 1 ? File::Reach::sole : File::Reach::shared;
}

}  // namespace

// Budget of either, besides the file's own part: 50 instructions (read_zero_1, write_null_1).
LinuxResult<std::uint64_t> sys_read(Task& task, std::int32_t fd, GuestAddress buffer, std::uint64_t count) {
    auto* const file = task.files().own(fd);
    if (file == nullptr) [[unlikely]]
        return read_borrowed(task, fd, buffer, count);
    auto into = IoBuffer::from_guest(buffer, count);
    return file->read_here(into, reach_of(*file));
}

LinuxResult<std::uint64_t> sys_write(Task& task, std::int32_t fd, GuestAddress buffer, std::uint64_t count) {
    auto* const file = task.files().own(fd);
    if (file == nullptr || task.process().limits.limits_file_size()) [[unlikely]]
        return write_borrowed(task, fd, buffer, count);
    auto from = IoBuffer::from_guest(buffer, count);
    return file->write_here(from, reach_of(*file));
}

LinuxResult<std::uint64_t> sys_pread64(Task& task, std::int32_t fd, GuestAddress buffer, std::uint64_t count,
                                       std::int64_t position) {
    if (position < 0)
        return fail(Errno::einval);
    auto into = IoBuffer::from_guest(buffer, count);
    if (auto* const file = task.files().own(fd); file != nullptr) [[likely]]
        return file->read_at(into, static_cast<std::uint64_t>(position));
    auto const file = LTRY(task.files().borrow(fd));
    return file->read_at(into, static_cast<std::uint64_t>(position));
}

LinuxResult<std::uint64_t> sys_pwrite64(Task& task, std::int32_t fd, GuestAddress buffer, std::uint64_t count,
                                        std::int64_t position) {
    if (position < 0)
        return fail(Errno::einval);
    auto const file = LTRY(task.files().borrow(fd));
    auto from = IoBuffer::from_guest(buffer, count);
    LTRY(cut_to_limit(task, *file, static_cast<std::uint64_t>(position), from));
    return file->write_at(from, static_cast<std::uint64_t>(position));
}

LinuxResult<std::uint64_t> sys_readv(Task& task, std::int32_t fd, GuestAddress segments, std::uint64_t count) {
    auto const file = LTRY(task.files().borrow(fd));
    SegmentList list;
    LTRY(list.read(segments, count));
    auto into = list.buffer();
    return file->read_here(into, file.reach());
}

LinuxResult<std::uint64_t> sys_writev(Task& task, std::int32_t fd, GuestAddress segments, std::uint64_t count) {
    auto const file = LTRY(task.files().borrow(fd));
    SegmentList list;
    LTRY(list.read(segments, count));
    auto from = list.buffer();
    LTRY(cut_to_limit(task, *file, std::nullopt, from));
    return file->write_here(from, file.reach());
}

namespace {

// The flags that preadv2 and pwritev2 take without anything to do: RWF_HIPRI, RWF_DSYNC, RWF_SYNC.
constexpr std::uint64_t harmless_transfer_flags = 0x7;
constexpr std::uint64_t here = ~std::uint64_t{0};  // position -1: the file's own

LinuxResult<std::uint64_t> read_segments(Task& task, std::int32_t fd, GuestAddress segments, std::uint64_t count,
                                         std::uint64_t position, bool own_position) {
    auto const file = LTRY(task.files().get(fd));
    SegmentList list;
    LTRY(list.read(segments, count));
    auto into = list.buffer();
    if (own_position && position == here)
        return file->read_here(into);
    if (static_cast<std::int64_t>(position) < 0)
        return fail(Errno::einval);
    return file->read_at(into, position);
}

LinuxResult<std::uint64_t> write_segments(Task& task, std::int32_t fd, GuestAddress segments, std::uint64_t count,
                                          std::uint64_t position, bool own_position) {
    auto const file = LTRY(task.files().get(fd));
    SegmentList list;
    LTRY(list.read(segments, count));
    auto from = list.buffer();
    bool const is_here = own_position && position == here;
    if (!is_here && static_cast<std::int64_t>(position) < 0)
        return fail(Errno::einval);
    LTRY(cut_to_limit(task, *file, is_here ? std::nullopt : std::optional(position), from));
    return is_here ? file->write_here(from) : file->write_at(from, position);
}

}  // namespace

// On 64-bit machines the low half of the position is all of it.
LinuxResult<std::uint64_t> sys_preadv(Task& task, std::int32_t fd, GuestAddress segments, std::uint64_t count,
                                      std::uint64_t position_low, std::uint64_t) {
    return read_segments(task, fd, segments, count, position_low, false);
}
LinuxResult<std::uint64_t> sys_pwritev(Task& task, std::int32_t fd, GuestAddress segments, std::uint64_t count,
                                       std::uint64_t position_low, std::uint64_t) {
    return write_segments(task, fd, segments, count, position_low, false);
}
LinuxResult<std::uint64_t> sys_preadv2(Task& task, std::int32_t fd, GuestAddress segments, std::uint64_t count,
                                       std::uint64_t position_low, std::uint64_t, std::uint64_t flags) {
    if ((flags & ~harmless_transfer_flags) != 0)
        return fail(Errno::eopnotsupp);
    return read_segments(task, fd, segments, count, position_low, true);
}
LinuxResult<std::uint64_t> sys_pwritev2(Task& task, std::int32_t fd, GuestAddress segments, std::uint64_t count,
                                        std::uint64_t position_low, std::uint64_t, std::uint64_t flags) {
    if ((flags & ~harmless_transfer_flags) != 0)
        return fail(Errno::eopnotsupp);
    return write_segments(task, fd, segments, count, position_low, true);
}

LinuxResult<std::uint64_t> sys_lseek(Task& task, std::int32_t fd, std::int64_t offset, std::uint32_t origin) {
    auto const file = LTRY(task.files().borrow(fd));
    if (origin > static_cast<std::uint32_t>(SeekOrigin::hole))
        return fail(Errno::einval);
    return file->seek(offset, static_cast<SeekOrigin>(origin));
}

namespace {

constexpr std::size_t copy_chunk = 32 * 1024;

// Copies between files through memory of ours until `count` bytes, the end of the source, or trouble.
// A null position means the file's own.
LinuxResult<std::uint64_t> copy_between(File& from, std::uint64_t* from_position, File& to, std::uint64_t* to_position,
                                        std::uint64_t count) {
    std::unique_ptr<std::array<std::byte, copy_chunk>> const chunk(new (std::nothrow)
                                                                       std::array<std::byte, copy_chunk>);
    if (chunk == nullptr)
        return fail(Errno::enomem);
    std::uint64_t done = 0;
    while (done < count && (done == 0 || !is_interrupted())) {
        auto const part = MutableBytes(*chunk).first(std::min<std::uint64_t>(copy_chunk, count - done));
        auto into = IoBuffer::from_memory(part);
        auto const read = from_position != nullptr ? from.read_at(into, *from_position) : from.read_here(into);
        if (!read)
            return done != 0 ? LinuxResult<std::uint64_t>(done) : fail(read.error());
        if (*read == 0)
            break;
        if (from_position != nullptr)
            *from_position += *read;
        std::size_t written = 0;
        while (written < *read) {
            auto out = IoBuffer::from_constant_memory(Bytes(part).subspan(written, *read - written));
            auto const put = to_position != nullptr ? to.write_at(out, *to_position) : to.write_here(out);
            if (!put) {
                // What was read and not written goes back to the source, as far as it has positions.
                auto const back = *read - written;
                if (from_position != nullptr)
                    *from_position -= back;
                else if (from.is_seekable())
                    (void)from.seek(-static_cast<std::int64_t>(back), SeekOrigin::current);
                done += written;
                return done != 0 ? LinuxResult<std::uint64_t>(done) : fail(put.error());
            }
            written += *put;
            if (to_position != nullptr)
                *to_position += *put;
        }
        done += written;
    }
    return done;
}

// An optional in-out position argument.
struct PositionArgument {
    GuestAddress address;
    std::uint64_t value = 0;

    LinuxResult<> read() {
        if (address.is_null())
            return {};
        auto const given = LTRY(read_guest<std::int64_t>(address));
        if (given < 0)
            return fail(Errno::einval);
        value = static_cast<std::uint64_t>(given);
        return {};
    }
    LinuxResult<> write() const { return address.is_null() ? LinuxResult<>() : write_guest(address, value); }
    std::uint64_t* pointer() { return address.is_null() ? nullptr : &value; }
    /// Where the call begins in `file`.
    [[nodiscard]] LinuxResult<std::uint64_t> of(File& file) const {
        if (!address.is_null())
            return value;
        return static_cast<std::uint64_t>(LTRY(file.seek(0, SeekOrigin::current)));
    }
};

}  // namespace

LinuxResult<std::uint64_t> sys_sendfile(Task& task, std::int32_t to, std::int32_t from, GuestAddress offset,
                                        std::uint64_t count) {
    auto const source = LTRY(task.files().get(from));
    auto const target = LTRY(task.files().get(to));
    if (!source->can_read() || !target->can_write())
        return fail(Errno::ebadf);
    // Only from contents that are there: a terminal or pipe would end the transfer at its first pause, or never
    // (sendfile(2)).
    if (source->inode() == nullptr || !source->inode()->is_regular())
        return fail(Errno::einval);
    PositionArgument position{offset};
    LTRY(position.read());
    auto const done =
        LTRY(copy_between(*source, position.pointer(), *target, nullptr, std::min(count, transfer_limit)));
    LTRY(position.write());
    return done;
}

LinuxResult<std::uint64_t> sys_copy_file_range(Task& task, std::int32_t from, GuestAddress from_offset, std::int32_t to,
                                               GuestAddress to_offset, std::uint64_t length, std::uint64_t flags) {
    if (flags != 0)
        return fail(Errno::einval);
    auto const source = LTRY(task.files().get(from));
    auto const target = LTRY(task.files().get(to));
    if (!source->can_read() || !target->can_write() || (target->flags() & open_flag::append) != 0)
        return fail(Errno::ebadf);
    if (source->inode() == nullptr || target->inode() == nullptr || !source->inode()->is_regular() ||
        !target->inode()->is_regular())
        return fail(Errno::einval);
    PositionArgument from_position{from_offset};
    PositionArgument to_position{to_offset};
    LTRY(from_position.read());
    LTRY(to_position.read());
    if (source->inode() == target->inode()) {
        auto const from_start = LTRY(from_position.of(*source));
        auto const to_start = LTRY(to_position.of(*target));
        auto const end = LTRY(source->end_position());
        // What the call itself appends is not copied again, and nothing may be that it has changed.
        length = std::min({length, transfer_limit, end - std::min(end, from_start)});
        if (std::max(from_start, to_start) - std::min(from_start, to_start) < length)
            return fail(Errno::einval);
    }
    auto const done = LTRY(copy_between(*source, from_position.pointer(), *target, to_position.pointer(),
                                        std::min(length, transfer_limit)));
    LTRY(from_position.write());
    LTRY(to_position.write());
    return done;
}

// ---- Contents as a whole ----

LinuxResult<std::uint64_t> sys_ftruncate(Task& task, std::int32_t fd, std::int64_t length) {
    if (length < 0)
        return fail(Errno::einval);
    auto const file = LTRY(task.files().get(fd));
    if (!file->can_write())
        return fail(Errno::einval);
    LTRY(check_file_size(task, static_cast<std::uint64_t>(length)));
    LTRY(file->truncate(static_cast<std::uint64_t>(length)));
    return 0;
}

LinuxResult<std::uint64_t> sys_fallocate(Task& task, std::int32_t fd, std::uint64_t mode, std::int64_t offset,
                                         std::int64_t length) {
    if (offset < 0 || length <= 0)
        return fail(Errno::einval);
    auto const file = LTRY(task.files().get(fd));
    if (!file->can_write())
        return fail(Errno::ebadf);
    LTRY(check_file_size(task, static_cast<std::uint64_t>(offset) + static_cast<std::uint64_t>(length)));
    LTRY(file->allocate(static_cast<std::uint32_t>(mode), static_cast<std::uint64_t>(offset),
                        static_cast<std::uint64_t>(length)));
    return 0;
}

namespace {

LinuxResult<std::uint64_t> synchronize(Task& task, std::int32_t fd) {
    auto const file = LTRY(task.files().get(fd));
    if (file->is_path_only())
        return fail(Errno::ebadf);
    if (auto const* inode = file->inode(); inode == nullptr || (!inode->is_regular() && !inode->is_directory()))
        return fail(Errno::einval);
    LTRY(file->synchronize());
    return 0;
}

}  // namespace

LinuxResult<std::uint64_t> sys_fsync(Task& task, std::int32_t fd) {
    return synchronize(task, fd);
}
LinuxResult<std::uint64_t> sys_fdatasync(Task& task, std::int32_t fd) {
    return synchronize(task, fd);
}
LinuxResult<std::uint64_t> sys_sync_file_range(Task& task, std::int32_t fd, std::int64_t, std::int64_t, std::uint64_t) {
    return synchronize(task, fd);
}
LinuxResult<std::uint64_t> sys_syncfs(Task& task, std::int32_t fd) {
    LTRY(task.files().get(fd));
    return 0;
}
// What was written is in memory until the machine stops: nothing waits to be written elsewhere.
LinuxResult<std::uint64_t> sys_sync(Task&) {
    return 0;
}

// Advice about pages that the pager of the file-system strate reads ahead by itself.
LinuxResult<std::uint64_t> sys_fadvise64(Task& task, std::int32_t fd, std::int64_t, std::uint64_t,
                                         std::int32_t advice) {
    auto const file = LTRY(task.files().get(fd));
    if (file_cast<PipeFile>(*file) != nullptr)
        return fail(Errno::espipe);
    if (advice < 0 || advice > 5)  // POSIX_FADV_NOREUSE
        return fail(Errno::einval);
    return 0;
}
LinuxResult<std::uint64_t> sys_readahead(Task& task, std::int32_t fd, std::int64_t, std::uint64_t) {
    auto const file = LTRY(task.files().get(fd));
    if (!file->can_read())
        return fail(Errno::ebadf);
    if (file->inode() == nullptr || !file->inode()->is_regular())
        return fail(Errno::einval);
    return 0;
}

}  // namespace astrata::linux_abi
