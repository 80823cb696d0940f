#include "kernel/mem/reclaim.h"

#include <atomic>

#include "kernel/mem/frames.h"
#include "kernel/mem/memory_object.h"
#include "kernel/sync/spin_lock.h"

namespace astrata::kernel::mem {

namespace {

// Enough that the next faults find room too, few enough that the locks are not held for long.
constexpr std::uint64_t batch = 64;

SpinLock<LockRank::paged_objects, PreemptionOff> lock;
IntrusiveList<MemoryObject, &MemoryObject::paged_link> objects GUARDED_BY(lock);  // next to be looked at first
std::uint64_t object_count GUARDED_BY(lock) = 0;
std::atomic<std::uint64_t> total = 0;

// `payer`: of whose silo, and those in it, pages are wanted; null for all.
std::uint64_t reclaim(Account const* payer, KeptPages const& kept) {
    LockGuard guard(lock);
    std::uint64_t done = 0;
    for (auto left = object_count; left > 0 && done < batch; --left) {
        auto& object = *objects.pop_front();
        objects.push_back(object);
        if (payer == nullptr || object.account().is_within(*payer))
            done += object.reclaim(batch - done, kept);
    }
    total.fetch_add(done, std::memory_order_relaxed);
    return done;
}

}  // namespace

bool make_room(Account& account, KeptPages kept, std::uint64_t pages) {
    if (!has_frames_beside_reserve(pages))
        return reclaim(nullptr, kept) > 0;
    auto const* const full = account.without_room_beside_reserve(pages * page_size);
    return full != nullptr && reclaim(full, kept) > 0;
}

std::uint64_t reclaimed_pages() {
    return total.load(std::memory_order_relaxed);
}

void add_paged_object(MemoryObject& object) {
    LockGuard guard(lock);
    objects.push_back(object);
    ++object_count;
}

void remove_paged_object(MemoryObject& object) {
    LockGuard guard(lock);
    objects.remove(object);
    --object_count;
}

}  // namespace astrata::kernel::mem
