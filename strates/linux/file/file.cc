#include "strates/linux/file/file.h"

#include "strates/linux/file/file_locks.h"
#include "strates/linux/poll/epoll_watches.h"

namespace astrata::linux_abi {

File::File(Path const* path, std::uint32_t flags) : flags_(flags & kept_flags) {
    if (path != nullptr)
        path_.emplace(*path);
}

File::~File() = default;

void File::destroy(File* file) {
    // By now no descriptor leads here, so no new watch can come.
    if (file->epoll_watches != nullptr)
        end_epoll_watches(*file);
    if (auto* inode = file->inode(); inode != nullptr && inode->locks() != nullptr) {
        inode->locks()->release_whole_file(*file);
        inode->locks()->release_records(file);  // those of the open file description
    }
    delete file;
}

LinuxResult<std::size_t> File::read_locked(IoBuffer& into) {
    if (!is_seekable()) {
        std::uint64_t nowhere = 0;
        return read(into, nowhere);
    }
    Lock lock(position_mutex_);
    return read(into, position_);
}

LinuxResult<std::size_t> File::write_locked(IoBuffer& from) {
    if (!is_seekable()) {
        std::uint64_t nowhere = 0;
        return write(from, nowhere);
    }
    Lock lock(position_mutex_);
    return write(from, position_);
}

LinuxResult<std::size_t> File::read_at(IoBuffer& into, std::uint64_t position) {
    if (!can_read())
        return fail(Errno::ebadf);
    if (!is_seekable())
        return fail(Errno::espipe);
    return read(into, position);
}

LinuxResult<std::size_t> File::write_at(IoBuffer& from, std::uint64_t position) {
    if (!can_write())
        return fail(Errno::ebadf);
    if (!is_seekable())
        return fail(Errno::espipe);
    return write(from, position);
}

LinuxResult<std::uint64_t> File::seek(std::int64_t offset, SeekOrigin origin) {
    if (is_path_only())
        return fail(Errno::ebadf);
    if (!is_seekable())
        return fail(Errno::espipe);
    Lock lock(position_mutex_);
    std::int64_t base = 0;
    switch (origin) {
    case SeekOrigin::set: break;
    case SeekOrigin::current: base = static_cast<std::int64_t>(position_); break;
    case SeekOrigin::end: base = static_cast<std::int64_t>(LTRY(end_position())); break;
    case SeekOrigin::data:
    case SeekOrigin::hole: {
        if (offset < 0)
            return fail(Errno::enxio);
        position_ = LTRY(seek_data(static_cast<std::uint64_t>(offset), origin == SeekOrigin::hole));
        return position_;
    }
    default: return fail(Errno::einval);
    }
    std::int64_t target = 0;
    if (__builtin_add_overflow(base, offset, &target))
        return fail(Errno::eoverflow);
    if (target < 0)
        return fail(Errno::einval);
    position_ = static_cast<std::uint64_t>(target);
    return position_;
}

LinuxResult<> File::read_entries(DirectorySink& sink) {
    if (is_path_only())
        return fail(Errno::ebadf);
    Lock lock(position_mutex_);
    sink.begin_at(position_);
    auto const result = read_directory(position_, sink);
    position_ = sink.position();
    return result;
}

LinuxResult<std::size_t> File::read(IoBuffer&, std::uint64_t&) {
    return fail(Errno::einval);
}
LinuxResult<std::size_t> File::write(IoBuffer&, std::uint64_t&) {
    return fail(Errno::einval);
}
LinuxResult<std::uint64_t> File::end_position() {
    return LTRY(attributes()).size;
}
LinuxResult<std::uint64_t> File::seek_data(std::uint64_t offset, bool wants_hole) {
    // Contents without holes end in one.
    auto const end = LTRY(end_position());
    if (offset >= end)
        return fail(Errno::enxio);
    return wants_hole ? end : offset;
}
LinuxResult<std::int64_t> File::ioctl(std::uint32_t, std::uint64_t) {
    return fail(Errno::enotty);
}
std::uint32_t File::poll(PollTable*) {
    return poll_event::readable | poll_event::writable;
}
LinuxResult<FileMapping> File::map(MapRequest const&) {
    return fail(Errno::enodev);
}
LinuxResult<> File::read_directory(std::uint64_t, DirectorySink&) {
    return fail(Errno::enotdir);
}
LinuxResult<> File::read_attributes(Attributes& into) {
    if (auto* of = inode(); of != nullptr)
        return of->read_attributes(into);
    into = {.mode = 0600};
    return {};
}
LinuxResult<Attributes> File::attributes() {
    Attributes result;
    LTRY(read_attributes(result));
    return result;
}
LinuxResult<> File::truncate(std::uint64_t) {
    return fail(Errno::einval);
}
LinuxResult<> File::allocate(std::uint32_t, std::uint64_t, std::uint64_t) {
    return fail(Errno::enodev);
}
// Without a kind of its own that could do better, the same description serves again.
LinuxResult<Ref<File>> File::open_again(std::uint32_t flags) {
    auto const access = flags & open_flag::access_mode;
    if ((access != open_flag::write_only && !can_read()) || (access != open_flag::read_only && !can_write()))
        return fail(Errno::eacces);
    return Ref<File>::share(*this);
}
void File::on_close(FileTable const& owner) {
    if (auto* of = inode(); of != nullptr && of->locks() != nullptr)
        of->locks()->release_records(&owner);
}
std::string_view File::describe(std::span<char>) const {
    return "anon_inode:[file]";
}

}  // namespace astrata::linux_abi
