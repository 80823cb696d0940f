// Giving memory back that holds nothing but copies of what a pager has: clean pages of paged objects. Asked for by
// whoever would fail for lack of memory otherwise, at a point where it holds no locks, and before the reserve
// (frames.h, account.h) is touched.
#pragma once

#include <cstdint>

#include "kernel/mem/account.h"

namespace astrata::kernel {

class MemoryObject;

namespace mem {

/// Pages of one object that are not to be given back, because they are what room is wanted for.
struct KeptPages {
    MemoryObject const* object = nullptr;
    std::uint64_t first = 0;
    std::uint64_t count = 0;
};

/// After `account` was refused `pages` pages beside the reserve: frees some, of any silo if the machine is short of
/// memory, and else of the silo whose limit is reached. False: there is nothing to give back, or memory is not short
/// any more. context   no spin locks held
[[nodiscard]] bool make_room(Account& account, KeptPages kept = {}, std::uint64_t pages = 1);

/// How many pages were ever given back so.
[[nodiscard]] std::uint64_t reclaimed_pages();

/// Every paged object is known here as long as it lives.
void add_paged_object(MemoryObject& object);
void remove_paged_object(MemoryObject& object);

}  // namespace mem
}  // namespace astrata::kernel
