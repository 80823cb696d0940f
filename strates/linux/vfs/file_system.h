// One mounted file system instance: its root and what statfs() says.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "lib/base/ref.h"
#include "strates/linux/core/errno.h"

namespace astrata::linux_abi {

class Inode;

/// struct statfs, as far as file systems differ.
struct FileSystemStatistics {
    std::uint64_t magic = 0;
    std::uint64_t block_size = 4096;
    std::uint64_t blocks = 0;
    std::uint64_t blocks_free = 0;
    std::uint64_t blocks_available = 0;
    std::uint64_t nodes = 0;
    std::uint64_t nodes_free = 0;
    std::uint64_t name_limit = 255;
};

class FileSystem : public RefCounted<FileSystem> {
public:
    static void destroy(FileSystem* file_system) { delete file_system; }

    /// "tmpfs", "proc": the third column of /proc/mounts.
    [[nodiscard]] virtual std::string_view type_name() const = 0;
    [[nodiscard]] virtual Ref<Inode> root() = 0;
    [[nodiscard]] virtual LinuxResult<FileSystemStatistics> statistics() = 0;
    /// st_dev of its files.
    [[nodiscard]] std::uint64_t device() const { return device_; }
    /// Whether nothing in it can change, whatever the mount says.
    [[nodiscard]] virtual bool is_read_only() const { return false; }

    // Mounts count themselves. Inodes and their file system refer to each other; the last unmount unties them.
    void add_mount() { mounts_.fetch_add(1, std::memory_order_relaxed); }
    void drop_mount() {
        if (mounts_.fetch_sub(1, std::memory_order_acq_rel) == 1)
            release_root();
    }

protected:
    /// Drops the references to inodes that keep the file system alive. Nothing is looked up in it afterwards.
    virtual void release_root() = 0;
    FileSystem();
    virtual ~FileSystem() = default;

private:
    std::atomic<std::uint32_t> mounts_ = 0;
    std::uint64_t const device_;  // an anonymous device number: major 0
    friend class RefCounted<FileSystem>;
};

}  // namespace astrata::linux_abi
