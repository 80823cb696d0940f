// How the pages of a paged memory object are asked for. Implemented beside IPC, since a request is a message.
#pragma once

#include <cstdint>

#include "lib/base/result.h"

namespace astrata::kernel {

class KernelObject;
class MemoryObject;

/// Delivers a page request for [first_page, first_page + count) of `object` to whoever receives on `pager_endpoint`,
/// and waits until it is answered. Threads that ask for a page that has been asked for already wait for that answer.
/// errors    what the pager failed the request with; interrupted, peer_closed, no_memory
/// context   blocks: no locks held
[[nodiscard]] Result<> request_pages(KernelObject& pager_endpoint, MemoryObject& object, std::uint64_t key,
                                     std::uint64_t first_page, std::uint64_t count);

}  // namespace astrata::kernel
