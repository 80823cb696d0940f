// Page frames that hold user data. Their `word` counts, separately, in how many page trees they are (low half) and how
// many pins keep them (high half: copies in progress, pages that the kernel itself uses). A frame is freed when both
// are 0. Page tables hold no counts: what leaves a tree is first removed from every page table that shows it.
#pragma once

#include "arch/page_copy.h"
#include "kernel/mem/account.h"
#include "kernel/mem/frames.h"

namespace astrata::kernel::mem {

inline constexpr std::uint64_t one_tree = 1;
inline constexpr std::uint64_t one_pin = std::uint64_t{1} << 32;

/// A page charged to `account`, in one tree (the caller's to put there).
/// errors    no_memory
[[nodiscard]] inline Result<PhysAddr> allocate_user_page(Account& account, Zero zero,
                                                         Reserve reserve = Reserve::may_use) {
    auto const charged =
        reserve == Reserve::keep ? account.charge_beside_reserve(page_size) : account.charge(page_size);
    if (!charged) [[unlikely]]
        return fail(charged.error());
    auto const page = allocate_frame(FrameKind::user, zero, reserve);
    if (!page) [[unlikely]] {
        account.uncharge(page_size);
        return page;
    }
    auto& frame = frame_of(*page);
    frame.account = account.id();
    frame.word.store(one_tree, std::memory_order_relaxed);
    return page;
}

/// 2^order pages, zeroed, contiguous and aligned to their size; each is one of its own from here on.
/// errors    no_memory
[[nodiscard]] inline Result<PhysAddr> allocate_user_block(Account& account, unsigned order) {
    auto const bytes = page_size << order;
    TRY(account.charge_beside_reserve(bytes));
    auto const block = allocate_frames(order, FrameKind::user, Zero::yes);
    if (!block) {
        account.uncharge(bytes);
        return block;
    }
    for (auto page = *block; page < *block + bytes; page += page_size) {
        frame_of(page).account = account.id();
        frame_of(page).word.store(one_tree, std::memory_order_relaxed);
    }
    return block;
}

namespace detail {
inline void drop_count(PhysAddr page, std::uint64_t amount, UnchargeBatch& batch) {
    auto& frame = frame_of(page);
    // The only holder needs no atomic subtraction: nobody else can find the frame any more.
    if (frame.word.load(std::memory_order_acquire) != amount &&
        frame.word.fetch_sub(amount, std::memory_order_acq_rel) != amount)
        return;
    batch.add(frame.account, page_size);
    free_frame(page);
}
}  // namespace detail

/// False for memory that is shown through an object but counted otherwise: devices, contiguous memory, the zero page.
inline bool is_user_page(PhysAddr page) {
    return has_frame(page) && frame_of(page).kind == FrameKind::user;
}
inline void add_tree(PhysAddr page) {
    frame_of(page).word.fetch_add(one_tree, std::memory_order_relaxed);
}
inline void drop_tree(PhysAddr page, UnchargeBatch& batch) {
    detail::drop_count(page, one_tree, batch);
}
/// Whether more than one tree holds it. Stable for a caller that holds the lock of a tree which has the page.
inline bool is_in_several_trees(PhysAddr page) {
    return static_cast<std::uint32_t>(frame_of(page).word.load(std::memory_order_acquire)) > 1;
}

/// Whether one tree holds it and nothing else. Stable for a caller that holds the lock of that tree while no page table shows the
/// page.
inline bool is_held_once(PhysAddr page) {
    return frame_of(page).word.load(std::memory_order_acquire) == one_tree;
}

/// A page of a paged object that was written since its pager supplied it. Under the lock of the object.
inline bool is_dirty(PhysAddr page) {
    return frame_of(page).extra != 0;
}
inline void note_dirty(PhysAddr page) {
    frame_of(page).extra = 1;
}

/// Keeps a page from being freed, whatever happens to its trees.
class PinnedPage {
public:
    PinnedPage() = default;
    /// The caller holds the lock of a tree which has the page, or of a page table that shows it.
    explicit PinnedPage(PhysAddr page) : page_(page) {
        frame_of(page).word.fetch_add(one_pin, std::memory_order_relaxed);
    }
    PinnedPage(PinnedPage&& other) noexcept : page_(std::exchange(other.page_, PhysAddr{})) {}
    PinnedPage& operator=(PinnedPage&& other) noexcept {
        std::swap(page_, other.page_);
        return *this;
    }
    ~PinnedPage() {
        if (page_.value == 0)
            return;
        UnchargeBatch batch;
        detail::drop_count(page_, one_pin, batch);
    }

    explicit operator bool() const { return page_.value != 0; }
    [[nodiscard]] PhysAddr physical() const { return page_; }
    /// Through the direct map.
    [[nodiscard]] void* address() const { return page_bytes(page_).data(); }
    [[nodiscard]] std::span<std::byte, page_size> bytes() const { return page_bytes(page_); }

private:
    PhysAddr page_;
};

}  // namespace astrata::kernel::mem
