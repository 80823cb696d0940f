#include "strates/linux/futex/robust_list.h"

#include "strates/linux/futex/futex.h"

namespace astrata::linux_abi {
namespace {

// struct robust_list_head.
struct ListHead {
    std::uint64_t first = 0;
    std::int64_t word_offset = 0;
    std::uint64_t pending = 0;
};

constexpr std::uint32_t waiters = 0x8000'0000;
constexpr std::uint32_t owner_died = 0x4000'0000;
constexpr std::uint32_t owner_mask = 0x3fff'ffff;
// Programs can make the list circular: Linux's own bound.
constexpr int entry_limit = 2048;

// Bit 0 of an entry's address marks a priority-inheriting lock; those do not exist here.
GuestAddress word_of(std::uint64_t entry, std::int64_t offset) {
    return {(entry & ~std::uint64_t{1}) + static_cast<std::uint64_t>(offset)};
}

LinuxResult<> leave_lock(GuestAddress word, ProcessId owner) {
    auto seen = LTRY(load_guest_word(word));
    while ((seen & owner_mask) == owner) {
        auto was = LTRY(compare_exchange_guest_word(word, seen, (seen & waiters) | owner_died));
        if (was == seen) {
            if ((seen & waiters) != 0)
                LTRY(wake_futex(word, 1, ~0u, true));
            return {};
        }
        seen = was;
    }
    return {};
}

LinuxResult<> leave_all(Task& task) {
    auto head_address = task.robust_list;
    auto head = LTRY(read_guest<ListHead>(head_address));
    auto entry = head.first;
    for (int count = 0; count < entry_limit && (entry & ~std::uint64_t{1}) != head_address.value; ++count) {
        // The next one first: whoever gets the lock may free the entry.
        auto next = read_guest<std::uint64_t>({entry & ~std::uint64_t{1}});
        if (entry != head.pending)
            LTRY(leave_lock(word_of(entry, head.word_offset), task.id()));
        entry = LTRY(std::move(next));
    }
    if (head.pending != 0)
        LTRY(leave_lock(word_of(head.pending, head.word_offset), task.id()));
    return {};
}

}  // namespace

void leave_robust_list(Task& task) {
    if (task.robust_list.is_null())
        return;
    static_cast<void>(leave_all(task));   // a broken list ends where it is broken
    task.robust_list = {};
}

}  // namespace astrata::linux_abi
