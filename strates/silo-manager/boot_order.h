// In which order the strates with start = "boot" are started: providers before those who need them.
#pragma once

#include "lib/containers/vector.h"
#include "strates/silo-manager/catalogue.h"

namespace astrata::silo_manager {

/// Optional needs count too. Members of a cycle come in the catalogue's order: their calls wait at each other's
/// endpoints.
/// errors    no_memory
[[nodiscard]] Result<Vector<Program const*>> boot_order(Catalogue const& catalogue);

}  // namespace astrata::silo_manager
