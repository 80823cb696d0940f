// The nodes of a machine as its SRAT and SLIT have them.
#pragma once

#include "lib/acpi/tables.h"
#include "lib/numa/node_map.h"

namespace astrata::acpi {

/// errors    as check_table and NodeMap; not_found (no memory in it)
[[nodiscard]] Result<numa::NodeMap> read_affinity(Bytes srat);

/// Without it all nodes are equally far apart. On an error the map stays as it is.
/// errors    as parse_slit and NodeMap; out_of_range (a domain of the SRAT is missing)
[[nodiscard]] Result<> read_distances(Bytes slit, numa::NodeMap& map);

}  // namespace astrata::acpi
