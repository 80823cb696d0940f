// Files whose contents are made when they are read, and the inodes of such file systems (/proc, /sys).
#pragma once

#include "strates/linux/file/file.h"
#include "strates/linux/filesystems/synthetic/text_buffer.h"
#include "strates/linux/vfs/inode.h"

namespace astrata::linux_abi {

/// Base of inodes that are made on demand and hold no contents.
class SyntheticInode : public Inode {
public:
    /// errors    enoent, esrch (what the text is about has gone)
    virtual LinuxResult<> generate(TextBuffer& text);
    /// What was written in one write().
    virtual LinuxResult<> store(std::string_view text);

    LinuxResult<> read_attributes(Attributes& into) override;
    LinuxResult<> set_attributes(AttributeChange const&) override { return fail(Errno::eperm); }
    LinuxResult<> truncate(std::uint64_t) override { return {}; }
    LinuxResult<Ref<File>> open(Path const& path, std::uint32_t flags) override;

protected:
    /// mode      with type bits
    SyntheticInode(FileSystem& file_system, std::uint64_t number, std::uint32_t mode, std::uint32_t uid = 0,
                   std::uint32_t gid = 0);
};

/// Shows the text as it was when the reader last began at the beginning.
class TextFile final : public File {
public:
    TextFile(Path const& path, std::uint32_t flags) : File(&path, flags) {}

    LinuxResult<std::size_t> read(IoBuffer& into, std::uint64_t& position) override;
    LinuxResult<std::size_t> write(IoBuffer& from, std::uint64_t& position) override;
    [[nodiscard]] bool is_seekable() const override { return true; }
    LinuxResult<> truncate(std::uint64_t) override { return {}; }

private:
    Mutex mutex_;
    TextBuffer text_ GUARDED_BY(mutex_);
    bool is_made_ GUARDED_BY(mutex_) = false;
};

}  // namespace astrata::linux_abi
