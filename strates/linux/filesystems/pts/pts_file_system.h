// /dev/pts: a node for the slave of each pseudo-terminal.
#pragma once

#include <cstdint>

#include "lib/base/ref.h"
#include "strates/linux/vfs/file_system.h"
#include "strates/linux/vfs/path.h"

namespace astrata::linux_abi {

class PtsFileSystem final : public FileSystem {
public:
    static LinuxResult<Ref<PtsFileSystem>> create();
    [[nodiscard]] std::string_view type_name() const override { return "devpts"; }
    [[nodiscard]] Ref<Inode> root() override;
    [[nodiscard]] LinuxResult<FileSystemStatistics> statistics() override;

private:
    PtsFileSystem() = default;
    ~PtsFileSystem() override;
    void release_root() override;
    RefOrNull<Inode> root_;
};

/// The place of a slave's node.
/// errors    enoent (not mounted)
LinuxResult<Path> pts_path(std::uint32_t index);

}  // namespace astrata::linux_abi
