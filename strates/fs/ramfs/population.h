// Fills a tree from a newc cpio archive.
#pragma once

#include "strates/fs/ramfs/tree.h"

namespace astrata::ramfs {

/// Makes contents out of a part of the archive.
class ArchiveContentsSource {
public:
    virtual ~ArchiveContentsSource() = default;
    /// offset   of the file's first byte in the archive
    [[nodiscard]] virtual Result<std::unique_ptr<Contents>> from_archive(std::uint64_t offset, std::uint64_t size) = 0;
};

struct Population {
    std::uint64_t entries = 0;  ///< nodes made for entries of the archive
    std::uint64_t skipped = 0;  ///< entries of kinds that archives do not describe (devices), or with impossible names
};

/// Adds every entry below `prefix` ("root/"). Folders that no entry names are made with mode 755; an entry for the
/// prefix itself or for a folder that is there already sets its mode. Of two entries with one name the first stays.
/// errors    corrupt (the archive's structure; what came before is in the tree), no_memory
[[nodiscard]] Result<Population> populate(Tree& tree, Bytes archive, std::string_view prefix,
                                          ArchiveContentsSource& source, std::int64_t now);

}  // namespace astrata::ramfs
