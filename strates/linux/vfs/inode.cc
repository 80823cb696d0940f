#include "strates/linux/vfs/inode.h"

#include <new>

#include "strates/linux/file/file_locks.h"
#include "strates/linux/file/special.h"
#include "strates/linux/vfs/clock.h"
#include "strates/linux/vfs/file_system.h"
#include "strates/linux/vfs/path.h"

namespace astrata::linux_abi {

Inode::Inode(FileSystem& file_system, Attributes const& attributes)
    : file_system_(Ref<FileSystem>::share(file_system)), number_(attributes.node),
      type_(static_cast<FileType>(attributes.mode & file_type_mask)), device_(attributes.device),
      mode_(attributes.mode & mode_bit::all), uid_(attributes.uid), gid_(attributes.gid), links_(attributes.links),
      size_(attributes.size), blocks_512_(attributes.blocks_512), accessed_ns_(attributes.accessed_ns),
      modified_ns_(attributes.modified_ns), changed_ns_(attributes.changed_ns), created_ns_(attributes.created_ns) {}

Inode::~Inode() {
    delete locks_.load(std::memory_order_relaxed);
}

LinuxResult<FileLocks*> Inode::make_locks() {
    Lock lock(mutex_);
    auto* present = locks();
    if (present == nullptr) {
        present = new (std::nothrow) FileLocks;
        if (present == nullptr)
            return fail(Errno::enomem);
        locks_.store(present, std::memory_order_release);
    }
    return present;
}

std::int64_t Inode::wall_clock_ns() {
    return file_clock_ns();
}

LinuxResult<> Inode::read_attributes(Attributes& into) {
    into.node = number_;
    into.size = size_.load(std::memory_order_relaxed);
    into.blocks_512 = blocks_512_.load(std::memory_order_relaxed);
    into.mode = mode_.load(std::memory_order_relaxed) | static_cast<std::uint32_t>(type_);
    into.uid = uid();
    into.gid = gid();
    into.links = links();
    into.device = device_;
    into.file_system = file_system_->device();
    into.accessed_ns = accessed_ns_.load(std::memory_order_relaxed);
    into.modified_ns = modified_ns_.load(std::memory_order_relaxed);
    into.changed_ns = changed_ns_.load(std::memory_order_relaxed);
    into.created_ns = created_ns_;
    into.block_size = 4096;
    return {};
}

LinuxResult<Attributes> Inode::attributes() {
    Attributes result;
    LTRY(read_attributes(result));
    return result;
}

LinuxResult<> Inode::set_attributes(AttributeChange const& change) {
    Lock lock(mutex_);
    if (change.has_mode)
        mode_.store(change.mode & mode_bit::all, std::memory_order_relaxed);
    if (change.has_uid)
        uid_.store(change.uid, std::memory_order_relaxed);
    if (change.has_gid)
        gid_.store(change.gid, std::memory_order_relaxed);
    if (change.has_accessed)
        accessed_ns_.store(change.accessed_ns, std::memory_order_relaxed);
    if (change.has_modified)
        modified_ns_.store(change.modified_ns, std::memory_order_relaxed);
    change_times(false);
    return {};
}

LinuxResult<> Inode::truncate(std::uint64_t) {
    return fail(is_directory() ? Errno::eisdir : Errno::einval);
}

LinuxResult<LookupResult> Inode::lookup(std::string_view) {
    return fail(Errno::enotdir);
}
LinuxResult<Ref<Inode>> Inode::create(std::string_view, NewNode const&) {
    return fail(is_directory() ? Errno::eperm : Errno::enotdir);
}
LinuxResult<Ref<Inode>> Inode::create_unnamed(NewNode const&) {
    return fail(Errno::eopnotsupp);
}
LinuxResult<> Inode::link(std::string_view, Inode&) {
    return fail(is_directory() ? Errno::eperm : Errno::enotdir);
}
LinuxResult<> Inode::remove(std::string_view, Inode&) {
    return fail(is_directory() ? Errno::eperm : Errno::enotdir);
}
LinuxResult<> Inode::rename(std::string_view, Inode&, Inode&, std::string_view, Inode*) {
    return fail(is_directory() ? Errno::eperm : Errno::enotdir);
}
LinuxResult<> Inode::exchange(std::string_view, Inode&, Inode&, std::string_view, Inode&) {
    return fail(Errno::einval);
}
LinuxResult<> Inode::read_directory(std::uint64_t, DirectorySink&) {
    return fail(Errno::enotdir);
}
LinuxResult<std::size_t> Inode::read_link(std::span<char>) {
    return fail(Errno::einval);
}
LinuxResult<Path> Inode::follow_magic_link() {
    return fail(Errno::einval);
}

LinuxResult<Ref<File>> Inode::open(Path const& path, std::uint32_t flags) {
    return open_by_type(*this, path, flags);
}

LinuxResult<std::size_t> Inode::get_extended_attribute(std::string_view, MutableBytes) {
    return fail(Errno::eopnotsupp);
}
LinuxResult<std::size_t> Inode::list_extended_attributes(MutableBytes) {
    return std::size_t{0};
}

}  // namespace astrata::linux_abi
