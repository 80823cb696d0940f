// The read-only file system that an overlay covers. Its nodes have ids that stay what they are, also when the strate
// behind it was restarted, so an overlay keeps ids and never connections.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "abi/message.h"
#include "lib/base/bytes.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/vfs/file_system.h"
#include "strates/linux/vfs/inode.h"

namespace astrata::linux_abi {

/// Takes the entries of a lower directory; false stops.
class LowerEntrySink {
public:
    virtual bool add(std::string_view name, std::uint64_t node, FileType type, std::uint64_t next_cursor) = 0;

protected:
    ~LowerEntrySink() = default;
};

struct LowerContents {
    abi::Handle object = 0;  // the caller's to close
    std::uint64_t size = 0;
};

/// All calls may wait and may come from any thread.
class LowerFileSystem {
public:
    virtual ~LowerFileSystem() = default;

    virtual LinuxResult<std::uint64_t> root() = 0;
    /// errors    enoent, enotdir, eio, euclean
    virtual LinuxResult<Attributes> lookup(std::uint64_t directory, std::string_view name) = 0;
    virtual LinuxResult<Attributes> attributes(std::uint64_t node) = 0;
    /// Offers entries from `cursor` (0: the beginning) on, perhaps not all there are: until the sink refuses or a batch
    /// is done. Returns false when there were none. Cursors are below 2^62.
    virtual LinuxResult<bool> read_directory(std::uint64_t directory, std::uint64_t cursor, LowerEntrySink& sink) = 0;
    virtual LinuxResult<std::size_t> read_link(std::uint64_t node, std::span<char> into) = 0;
    virtual LinuxResult<LowerContents> open(std::uint64_t node) = 0;
    virtual LinuxResult<FileSystemStatistics> statistics() = 0;
    virtual LinuxResult<std::size_t> get_extended_attribute(std::uint64_t node, std::string_view name,
                                                            MutableBytes into) = 0;
    virtual LinuxResult<std::size_t> list_extended_attributes(std::uint64_t node, MutableBytes into) = 0;
};

}  // namespace astrata::linux_abi
