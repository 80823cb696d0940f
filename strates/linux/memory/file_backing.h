// A mapped file, as the region map knows it.
#pragma once

#include "strates/linux/file/file.h"
#include "strates/linux/memory/memory.h"

namespace astrata::linux_abi {

class FileBacking final : public RegionBacking {
public:
    explicit FileBacking(Ref<File> file, std::uint64_t object_id) : file_(std::move(file)), object_id_(object_id) {}

    [[nodiscard]] std::uint64_t object_id() const override { return object_id_; }
    [[nodiscard]] std::uint64_t device() const override;
    [[nodiscard]] std::uint64_t inode() const override;
    /// The path as the calling task sees it.
    [[nodiscard]] std::size_t describe(std::span<char> into) const override;
    [[nodiscard]] File& file() const { return *file_; }

private:
    Ref<File> const file_;
    std::uint64_t const object_id_;
};

/// Asks `file` what to map for [offset, offset + length), both page-aligned, and wraps it for the region map.
/// errors    enodev (cannot be mapped), eacces, enomem
[[nodiscard]] LinuxResult<MapSource> map_source_of(File& file, MapRequest const& request);

}  // namespace astrata::linux_abi
