// A newc cpio archive in memory: iterate over its entries or look one up by name.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/base/bytes.h"

namespace astrata::cpio {

struct Entry {
    std::string_view name;              ///< without leading "./" or "/"; borrowed from the archive
    Bytes contents;                     ///< borrowed
    std::uint64_t contents_offset = 0;  ///< of `contents` in the archive, for mapping
    std::uint32_t mode = 0;             ///< as in struct stat

    [[nodiscard]] bool is_file() const { return (mode & 0170000) == 0100000; }
    [[nodiscard]] bool is_directory() const { return (mode & 0170000) == 0040000; }
};

/// Walks the archive from front to back.
class Reader {
public:
    explicit Reader(Bytes archive) : archive_(archive) {}
    /// The next entry; empty at the trailer.
    /// errors    corrupt (bad header, or the archive ends early)
    [[nodiscard]] Result<std::optional<Entry>> next();

private:
    Bytes archive_;
    std::uint64_t position_ = 0;
};

/// errors    not_found, corrupt (before the entry was found)
[[nodiscard]] Result<Entry> find(Bytes archive, std::string_view name);

}  // namespace astrata::cpio
