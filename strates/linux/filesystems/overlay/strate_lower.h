// A file-system strate as the lower file system of an overlay.
#pragma once

#include "sdk/handle.h"
#include "strates/linux/filesystems/overlay/lower.h"

namespace astrata::linux_abi {

/// Every call names nodes by id and may be repeated, so a strate that is killed and started again costs time only: the
/// generated client waits for it, and memory objects that were handed out get their pages from the new instance.
class StrateLower final : public LowerFileSystem {
public:
    explicit StrateLower(sdk::UniqueHandle endpoint) : endpoint_(std::move(endpoint)) {}

    LinuxResult<std::uint64_t> root() override;
    LinuxResult<Attributes> lookup(std::uint64_t directory, std::string_view name) override;
    LinuxResult<Attributes> attributes(std::uint64_t node) override;
    LinuxResult<bool> read_directory(std::uint64_t directory, std::uint64_t cursor, LowerEntrySink& sink) override;
    LinuxResult<std::size_t> read_link(std::uint64_t node, std::span<char> into) override;
    LinuxResult<LowerContents> open(std::uint64_t node) override;
    LinuxResult<FileSystemStatistics> statistics() override;
    LinuxResult<std::size_t> get_extended_attribute(std::uint64_t node, std::string_view name,
                                                    MutableBytes into) override;
    LinuxResult<std::size_t> list_extended_attributes(std::uint64_t node, MutableBytes into) override;

private:
    sdk::UniqueHandle const endpoint_;
};

}  // namespace astrata::linux_abi
