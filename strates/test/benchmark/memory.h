// Page faults that a pager serves, and mappings.
#pragma once

#include <cstdint>

#include "lib/base/result.h"

namespace astrata::benchmark_figures {

/// A fault on a page of a paged object, until the pager (a thread of this process) has supplied it and the access is
/// done.
Result<std::uint64_t> pager_round_trip();
/// Mapping one resident page of an object, and entering it.
Result<std::uint64_t> map_page();
/// The same for each of many pages at once.
Result<std::uint64_t> map_page_in_batch();

}  // namespace astrata::benchmark_figures
