// /proc (proc(5)): a fixed tree of texts about the silo, and a directory for each process.
#pragma once

#include "lib/base/ref.h"
#include "strates/linux/vfs/file_system.h"

namespace astrata::linux_abi {

class ProcFileSystem final : public FileSystem {
public:
    static LinuxResult<Ref<ProcFileSystem>> create();
    [[nodiscard]] std::string_view type_name() const override { return "proc"; }
    [[nodiscard]] Ref<Inode> root() override;
    [[nodiscard]] LinuxResult<FileSystemStatistics> statistics() override;

private:
    ProcFileSystem() = default;
    ~ProcFileSystem() override = default;
    void release_root() override;
    RefOrNull<Inode> root_;
};

}  // namespace astrata::linux_abi
