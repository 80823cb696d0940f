// What CLONE_FS shares: a task's root, working directory and umask.
#pragma once

#include <atomic>
#include <cstdint>

#include "lib/base/ref.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/vfs/tree.h"

namespace astrata::linux_abi {

class FileSystemContext : public RefCounted<FileSystemContext> {
public:
    static void destroy(FileSystemContext* context) { delete context; }

    static LinuxResult<Ref<FileSystemContext>> create(Path const& root, Path const& working_directory,
                                                      std::uint32_t umask);
    /// For clone without CLONE_FS.
    [[nodiscard]] LinuxResult<Ref<FileSystemContext>> clone() const;

    [[nodiscard]] Path root() const;
    [[nodiscard]] Path working_directory() const;
    void set_root(Path path);
    void set_working_directory(Path path);

    // Guarded by the tree's mutex and not by one of their own: a walk needs both, and holds that one anyway.
    [[nodiscard]] Path const& root_locked() const REQUIRES(tree().mutex()) { return root_; }
    [[nodiscard]] Path const& working_directory_locked() const REQUIRES(tree().mutex()) { return working_directory_; }

    [[nodiscard]] std::uint32_t umask() const { return umask_.load(std::memory_order_relaxed); }
    /// Returns the former one.
    std::uint32_t set_umask(std::uint32_t umask) { return umask_.exchange(umask & 0777, std::memory_order_relaxed); }

private:
    FileSystemContext(Path root, Path working_directory, std::uint32_t umask)
        : root_(std::move(root)), working_directory_(std::move(working_directory)), umask_(umask) {}

    Path root_;
    Path working_directory_;
    std::atomic<std::uint32_t> umask_;
};

}  // namespace astrata::linux_abi
