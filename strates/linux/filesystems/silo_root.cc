#include "strates/linux/filesystems/silo_root.h"

#include <memory>
#include <new>

#include "strates/linux/filesystems/overlay/strate_lower.h"
#include "strates/linux/filesystems/standard.h"

namespace astrata::linux_abi {

LinuxResult<Ref<FileSystemContext>> build_silo_root(sdk::UniqueHandle root) {
    std::unique_ptr<LowerFileSystem> lower(new (std::nothrow) StrateLower(std::move(root)));
    if (lower == nullptr)
        return fail(Errno::enomem);
    return mount_standard_file_systems(std::move(lower), "overlay");
}

}  // namespace astrata::linux_abi
