// Which page is where in an object or address space: a radix tree over page numbers whose subtrees can be shared
// between trees, so that a copy of a whole tree costs one reference. Whoever writes to a shared part first copies the
// nodes on the way there.
//
// A tree is guarded by its owner's lock. Nodes are shared by trees under different locks: a node with more than one
// reference is never changed, and one with a single reference can be reached by one tree only.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <utility>

#include "kernel/mem/account.h"
#include "kernel/mem/user_page.h"
#include "lib/base/result.h"
#include "lib/base/units.h"

namespace astrata::kernel::mem {

/// The page whose frame number is the one at `index`.
#pragma clang unsafe_buffer_usage begin  // the caller has seen the page's bit in what `frames` came with
inline PhysAddr page_at(std::uint32_t const* frames, unsigned index) {
    return {std::uint64_t{frames[index]} * page_size};
}
#pragma clang unsafe_buffer_usage end

class PageTree {
public:
    static constexpr unsigned bits_per_level = 6;
    static constexpr unsigned fanout = 1U << bits_per_level;
    static constexpr int level_limit = 6;
    /// Page numbers are below this: 2^36 pages, 256 TiB.
    static constexpr std::uint64_t page_limit = std::uint64_t{1} << (bits_per_level * level_limit);

private:
    struct Node {
        std::atomic<std::uint32_t> references = 1;
        AccountId payer = 0;
        std::uint64_t present = 0;  // a bit for each slot that holds something; other slots are undefined
    };
    struct Leaf : Node {
        std::array<std::uint32_t, fanout> pages;  // frame numbers
    };
    struct Inner : Node {
        std::array<Node*, fanout> children;
    };
    static constexpr std::uint64_t bit(unsigned slot) { return std::uint64_t{1} << slot; }

public:
    PageTree() = default;
    PageTree(PageTree&& other) noexcept
        : root_(std::exchange(other.root_, nullptr)), levels_(std::exchange(other.levels_, 0)),
          vacant_(std::exchange(other.vacant_, nothing_vacant)) {
        other.forget_recent();
    }
    PageTree& operator=(PageTree&& other) noexcept {
        std::swap(root_, other.root_);
        std::swap(levels_, other.levels_);
        std::swap(vacant_, other.vacant_);
        forget_recent();
        other.forget_recent();
        return *this;
    }
    ~PageTree() { clear(); }

    struct Found {
        PhysAddr page;              ///< 0: there is none
        bool is_exclusive = false;  ///< no other tree has it: it may be written in place
        explicit operator bool() const { return page.value != 0; }
    };
    [[nodiscard]] Found find(std::uint64_t index) const {
        if (index - recent_.first < recent_.count) {
            auto* const leaf = recent_.leaf;
            auto const slot = static_cast<unsigned>(index) % fanout;
            if (leaf == nullptr || (leaf->present & bit(slot)) == 0)
                return {};
            PhysAddr const page{std::uint64_t{leaf->pages[slot]} * page_size};
            return {page, recent_.is_exclusive && !is_in_several_trees(page)};
        }
        return find_from_root(index);
    }

    /// Neighbouring pages as one leaf has them. Valid until the tree is next changed.
    struct Run {
        std::uint32_t const* frames = nullptr;  ///< their numbers, defined where `present` says so
        std::uint64_t present = 0;              ///< a bit for each page, from the one that was asked for
        std::uint64_t count = fanout;           ///< how many pages this speaks of, above 0
        bool is_exclusive = false;              ///< no other tree has the leaf; single pages may still be in several
    };
    [[nodiscard]] Run run_at(std::uint64_t index) const {
        if (index - recent_.first >= recent_.count) {
            if (!covers(index))
                return {};
            (void)find_from_root(index);
        }
        auto const count = recent_.first + recent_.count - index;
        if (recent_.leaf == nullptr)
            return {.count = count};
        auto const slot = static_cast<unsigned>(index) % fanout;
        return {&recent_.leaf->pages[slot], recent_.leaf->present >> slot, count, recent_.is_exclusive};
    }

    /// The place of a page, in a leaf that no other tree shares. Valid until the tree is next changed.
    class Slot {
    public:
        /// What is there; exclusive if no other tree has the page, so that it may be written in place.
        [[nodiscard]] Found found() const {
            if ((*present_ & bit_) == 0)
                return {};
            PhysAddr const page{std::uint64_t{*page_} * page_size};
            return {page, !is_in_several_trees(page)};
        }
        /// Takes over the page's tree count. A page that was there before is the caller's to drop, after flushing.
        void set(PhysAddr page) {
            *page_ = static_cast<std::uint32_t>(page.page());
            *present_ |= bit_;
        }

    private:
        friend class PageTree;
        Slot(std::uint32_t& page, std::uint64_t& present, std::uint64_t bit)
            : page_(&page), present_(&present), bit_(bit) {}
        std::uint32_t* page_;
        std::uint64_t* present_;
        std::uint64_t bit_;
    };
    /// Nodes are charged to `account`.
    /// errors    no_memory
    [[nodiscard]] Result<Slot> slot_for(std::uint64_t index, Account& account) {
        if (index - recent_.first < recent_.count && recent_.is_exclusive) {
            auto const slot = static_cast<unsigned>(index) % fanout;
            return Slot(recent_.leaf->pages[slot], recent_.leaf->present, bit(slot));
        }
        return slot_from_root(index, account);
    }

    /// Puts a page at `index`, taking over its tree count. Returns the page that was there before (0: none), whose
    /// count is now the caller's to drop, after flushing. Nodes are charged to `account`. errors    no_memory (nothing
    /// has changed)
    [[nodiscard]] Result<PhysAddr> exchange(std::uint64_t index, PhysAddr page, Account& account);

    /// Takes a page out that find() says is there, exclusively; its tree count becomes the caller's. It must be in no page table.
    void take(std::uint64_t index);

    /// Drops the pages in [first, first + count). They must be in no page table any more.
    /// errors    no_memory (copying a shared node at the edge of the range; part of the range is done)
    [[nodiscard]] Result<> erase(std::uint64_t first, std::uint64_t count, Account& account);

    /// Moves the pages in [first, first + count) to begin at `to`, which is a disjoint range without pages. They must
    /// be in no page table. errors    no_memory (nothing has moved)
    [[nodiscard]] Result<> move(std::uint64_t first, std::uint64_t count, std::uint64_t to, Account& account);

    /// The same pages; both trees copy on write from now on. Mappings of this tree's pages must lose write permission.
    [[nodiscard]] PageTree share() const;

    void clear();
    [[nodiscard]] bool is_empty() const { return root_ == nullptr; }

    /// The first index from `from` on, below `end`, that has a page; `end` if there is none.
    [[nodiscard]] std::uint64_t next_present(std::uint64_t from, std::uint64_t end) const;
    /// Pages in [first, end).
    [[nodiscard]] std::uint64_t count(std::uint64_t first, std::uint64_t end) const;

private:
    // Nodes have no level of their own; it follows from the way down. Leaves are at level 0.
    static constexpr unsigned shift_of(int level) { return bits_per_level * static_cast<unsigned>(level); }
    static constexpr unsigned slot_at(std::uint64_t index, int level) {
        return static_cast<unsigned>(index >> shift_of(level)) & (fanout - 1);
    }
    static constexpr std::uint64_t pages_below(int level) { return std::uint64_t{1} << shift_of(level); }
    static Leaf& leaf(Node& node) { return static_cast<Leaf&>(node); }
    static Inner& inner(Node& node) { return static_cast<Inner&>(node); }
    [[nodiscard]] bool covers(std::uint64_t index) const { return levels_ > 0 && (index >> shift_of(levels_)) == 0; }

    template <typename T>
    static Result<T*> make_node(Account& account);
    static void free_node(Node& node, int level, UnchargeBatch& batch);
    static void release(Node* node, int level, UnchargeBatch& batch);
    static Result<Node*> make_exclusive(Node*& link, int level, Account& account);
    [[nodiscard]] Found find_from_root(std::uint64_t index) const;
    Result<Slot> slot_from_root(std::uint64_t index, Account& account);
    void forget_recent() const { recent_ = {}; }
    Result<> grow_to(std::uint64_t index, Account& account);
    Result<Node*> node_at(std::uint64_t index, int level, Account& account);
    void prune(std::uint64_t index);
    void prune_later(std::uint64_t index);

    // Where the last look-up ended: the next one is mostly nearby. Forgotten whenever nodes come, go or become shared.
    struct Recent {
        std::uint64_t first = 0;
        std::uint64_t count = 0;    // pages below the leaf, or below the empty slot; 0: nothing is remembered
        Leaf* leaf = nullptr;       // null: there are no pages
        bool is_exclusive = false;  // this tree alone has the leaf
    };

    Node* root_ = nullptr;
    int levels_ = 0;  // the root's level plus one
    mutable Recent recent_;
    // An index in the one empty leaf that is kept, with the nodes on the way there, because memory that was just freed is
    // mostly soon replaced; forgotten when the tree is shared. Such a leaf is charged and freed like any other.
    static constexpr std::uint64_t nothing_vacant = ~std::uint64_t{0};
    mutable std::uint64_t vacant_ = nothing_vacant;
};

}  // namespace astrata::kernel::mem
