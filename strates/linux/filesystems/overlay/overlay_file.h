// An open regular file of an overlay or tmpfs.
#pragma once

#include "strates/linux/file/file.h"
#include "strates/linux/filesystems/overlay/overlay_inode.h"

namespace astrata::linux_abi {

class OverlayFile final : public File {
public:
    OverlayFile(Path const& path, std::uint32_t flags) : File(&path, flags) {}

    LinuxResult<std::size_t> read(IoBuffer& into, std::uint64_t& position) override;
    LinuxResult<std::size_t> write(IoBuffer& from, std::uint64_t& position) override;
    [[nodiscard]] bool is_seekable() const override { return true; }
    LinuxResult<std::uint64_t> end_position() override { return inode()->size(); }
    LinuxResult<FileMapping> map(MapRequest const& request) override;
    LinuxResult<> truncate(std::uint64_t size) override;
    LinuxResult<> allocate(std::uint32_t mode, std::uint64_t offset, std::uint64_t length) override;

private:
    [[nodiscard]] OverlayInode& node() const { return static_cast<OverlayInode&>(*inode()); }
};

}  // namespace astrata::linux_abi
