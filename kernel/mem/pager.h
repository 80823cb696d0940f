// How the pages of a paged memory object are asked for. Implemented beside IPC, since a request is a message.
#pragma once

#include <cstdint>

#include "lib/base/result.h"

namespace astrata::kernel {

class KernelObject;
class MemoryObject;

/// Delivers a page request for [first_page, first_page + count) of `object` to whoever receives on `pager_endpoint`,
/// and waits until it is answered. Each thread that misses a page asks for itself; a page that is there by then is not
/// replaced (MemoryObject::supply). A request that a dying pager drops is made again to its successor.
/// errors    what the pager failed the request with; interrupted; peer_closed (nobody can receive any more); io (dropped too
///           often); no_memory
/// context   blocks: no locks held
[[nodiscard]] Result<> request_pages(KernelObject& pager_endpoint, MemoryObject& object, std::uint64_t key,
                                     std::uint64_t first_page, std::uint64_t count);

}  // namespace astrata::kernel
