#include "strates/linux/vfs/mount.h"

#include <algorithm>
#include <atomic>
#include <new>

namespace astrata::linux_abi {

namespace {

std::atomic<std::uint32_t> next_mount_id = 1;

}  // namespace

Mount::Mount(FileSystem& file_system, Dentry& root, std::string_view source, std::uint64_t flags)
    : file_system_(Ref<FileSystem>::share(file_system)), root_(Ref<Dentry>::share(root)),
      id_(next_mount_id.fetch_add(1, std::memory_order_relaxed)), flags_(flags) {
    source = source.substr(0, source_.size());
    std::ranges::copy(source, source_.begin());
    source_length_ = static_cast<std::uint8_t>(source.size());
    file_system.add_mount();
}

Mount::~Mount() {
    file_system_->drop_mount();
}

LinuxResult<Ref<Mount>> Mount::create(FileSystem& file_system, Dentry& root, std::string_view source,
                                      std::uint64_t flags) {
    auto* mount = new (std::nothrow) Mount(file_system, root, source, flags);
    if (mount == nullptr)
        return fail(Errno::enomem);
    return Ref<Mount>::adopt(*mount);
}

}  // namespace astrata::linux_abi
