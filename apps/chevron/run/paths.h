// File name patterns against the name space.
#pragma once

#include <string_view>

#include "apps/chevron/names/name_space.h"
#include "lib/shell/expansion.h"

namespace astrata::chevron {

/// Adds the paths that match `pattern` (lib/shell/pattern.h), from `directory` on unless it is absolute. Names that
/// begin with a dot match only a pattern that does.
/// errors    no_memory, no_resources (too many); folders that cannot
/// be read count as empty
[[nodiscard]] Result<> add_matching_paths(NameSpace& names, Path const& directory, std::string_view pattern,
                                          shell::FieldList& fields);

}  // namespace astrata::chevron
