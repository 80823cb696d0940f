// Contents of files in memory objects. Files of the boot archive become memory objects when somebody first needs one.
#pragma once

#include "sdk/memory.h"
#include "strates/fs/ramfs/population.h"

namespace astrata::ramfs {

/// All contents of the strate's tree are of this class.
class MemoryContents final : public Contents {
public:
    /// An empty file.
    MemoryContents() = default;
    /// `size` bytes of the archive from `offset` on; `archive` is borrowed.
    MemoryContents(abi::Handle archive, std::uint64_t offset, std::uint64_t size)
        : archive_(archive), offset_(offset), size_(size) {}

    Result<std::uint64_t> size() override;
    Result<> set_size(std::uint64_t size) override;
    Result<std::uint64_t> write(std::uint64_t offset, Bytes bytes) override;

    /// The memory object, made if it does not exist yet; borrowed.
    /// errors    no_memory
    [[nodiscard]] Result<sdk::UniqueHandle const*> object();

private:
    Result<sdk::MemoryObject> clone_from_archive() const;

    abi::Handle archive_ = 0;
    std::uint64_t offset_ = 0;
    std::uint64_t size_ = 0;  // as long as there is no object
    sdk::MemoryObject object_;
};

class MemorySource final : public ContentsSource, public ArchiveContentsSource {
public:
    explicit MemorySource(abi::Handle archive) : archive_(archive) {}
    Result<std::unique_ptr<Contents>> create_empty() override;
    Result<std::unique_ptr<Contents>> from_archive(std::uint64_t offset, std::uint64_t size) override;

private:
    abi::Handle archive_;
};

}  // namespace astrata::ramfs
