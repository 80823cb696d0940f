// Files of the name space as channels.
#pragma once

#include <cstdint>

#include "apps/chevron/io/channel.h"
#include "apps/chevron/names/name_space.h"

namespace astrata::chevron {

/// Reads a file from its beginning through the memory object that caches it.
/// errors    is_a_directory, not_supported (a device or socket), no_memory, and those of FileSystem.open
[[nodiscard]] Result<Ref<Channel>> open_for_reading(Found const& file);

enum class WriteMode : std::uint8_t { truncate, append };

/// Opens or makes a file for writing.
/// errors    is_a_directory, read_only, no_memory, those of NameSpace::find_place and of the file system
[[nodiscard]] Result<Ref<Channel>> open_for_writing(NameSpace& names, Path const& path, WriteMode mode);

}  // namespace astrata::chevron
