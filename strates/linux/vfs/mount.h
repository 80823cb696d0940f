// One file system attached to the tree.
#pragma once

#include <cstdint>
#include <string_view>

#include "lib/base/intrusive_list.h"
#include "lib/base/ref.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/vfs/dentry.h"
#include "strates/linux/vfs/file_system.h"

namespace astrata::linux_abi {

namespace mount_flag {                                              // mount(2)
inline constexpr std::uint64_t read_only = 1;                       // MS_RDONLY
inline constexpr std::uint64_t no_set_id = 2;                       // MS_NOSUID
inline constexpr std::uint64_t no_devices = 4;                      // MS_NODEV
inline constexpr std::uint64_t no_execution = 8;                    // MS_NOEXEC
inline constexpr std::uint64_t remount = 32;                        // MS_REMOUNT
inline constexpr std::uint64_t no_access_times = 1024;              // MS_NOATIME
inline constexpr std::uint64_t bind = 4096;                         // MS_BIND
inline constexpr std::uint64_t move = 8192;                         // MS_MOVE
inline constexpr std::uint64_t recursive = 16384;                   // MS_REC
inline constexpr std::uint64_t relative_times = 1 << 21;            // MS_RELATIME
inline constexpr std::uint64_t propagation = 0x17 << 17 | 1 << 20;  // MS_UNBINDABLE, PRIVATE, SLAVE, SHARED
inline constexpr std::uint64_t kept =
    read_only | no_set_id | no_devices | no_execution | no_access_times | relative_times;
}  // namespace mount_flag

class Mount : public RefCounted<Mount> {
public:
    static void destroy(Mount* mount) { delete mount; }

    /// source    the first column of /proc/mounts, cut to 63 bytes
    static LinuxResult<Ref<Mount>> create(FileSystem& file_system, Dentry& root, std::string_view source,
                                          std::uint64_t flags);

    [[nodiscard]] FileSystem& file_system() const { return *file_system_; }
    [[nodiscard]] Dentry& root() const { return *root_; }
    [[nodiscard]] std::uint32_t id() const { return id_; }
    [[nodiscard]] std::string_view source() const { return {source_.data(), source_length_}; }
    [[nodiscard]] std::uint64_t flags() const { return flags_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool is_read_only() const {
        return (flags() & mount_flag::read_only) != 0 || file_system_->is_read_only();
    }
    void set_flags(std::uint64_t flags) { flags_.store(flags, std::memory_order_relaxed); }

    // Under the tree's mutex: where it is attached. Null for the root mount and after unmounting.
    [[nodiscard]] Mount* parent() const { return parent_.get(); }
    [[nodiscard]] Dentry* mount_point() const { return mount_point_.get(); }

private:
    friend class RefCounted<Mount>;
    friend class Tree;
    Mount(FileSystem& file_system, Dentry& root, std::string_view source, std::uint64_t flags);
    ~Mount();

    Ref<FileSystem> file_system_;
    Ref<Dentry> root_;
    std::uint32_t const id_;
    std::atomic<std::uint64_t> flags_;
    std::array<char, 63> source_;
    std::uint8_t source_length_ = 0;
    RefOrNull<Mount> parent_;
    RefOrNull<Dentry> mount_point_;
    ListLink<Mount> link_;
};

}  // namespace astrata::linux_abi
