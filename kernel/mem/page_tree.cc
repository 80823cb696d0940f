#include "kernel/mem/page_tree.h"

#include <bit>
#include <new>

#include "kernel/mem/heap.h"

namespace astrata::kernel::mem {

template <typename T>
Result<T*> PageTree::make_node(Account& account) {
    auto charge = TRY(PendingCharge::make(account, heap_charge(sizeof(T))));
    void* const memory = heap_allocate(sizeof(T));
    if (memory == nullptr)
        return fail(Error::no_memory);
    auto* const node = new (memory) T;  // slots stay undefined: `present` says which ones count
    node->payer = account.id();
    charge.keep();
    return node;
}

void PageTree::free_node(Node& node, int level, UnchargeBatch& batch) {
    auto const size = level == 0 ? sizeof(Leaf) : sizeof(Inner);
    batch.add(node.payer, heap_charge(size));
    heap_free(&node, size);
}

// Drops a reference to a subtree, and all that goes with the last one.
void PageTree::release(Node* top, int top_level, UnchargeBatch& batch) {
    auto const drop_is_last = [](Node& node) {
        return node.references.load(std::memory_order_acquire) == 1 ||
               node.references.fetch_sub(1, std::memory_order_acq_rel) == 1;
    };
    if (!drop_is_last(*top))
        return;
    std::array<Node*, level_limit> path{};
    int level = top_level;
    path[static_cast<std::size_t>(level)] = top;
    while (level <= top_level) {
        auto& node = *path[static_cast<std::size_t>(level)];
        if (level == 0) {
            for (; node.present != 0; node.present &= node.present - 1) {
                auto const slot = static_cast<unsigned>(std::countr_zero(node.present));
                drop_tree({std::uint64_t{leaf(node).pages[slot]} * page_size}, batch);
            }
        } else if (node.present != 0) {
            auto const slot = static_cast<unsigned>(std::countr_zero(node.present));
            node.present &= node.present - 1;
            auto& child = *inner(node).children[slot];
            if (drop_is_last(child))
                path[static_cast<std::size_t>(--level)] = &child;
            continue;
        }
        free_node(node, level, batch);
        ++level;
    }
}

void PageTree::clear() {
    if (root_ == nullptr)
        return;
    forget_recent();
    UnchargeBatch batch;
    release(std::exchange(root_, nullptr), levels_ - 1, batch);
    levels_ = 0;
    vacant_ = nothing_vacant;
}

PageTree PageTree::share() const {
    forget_recent();
    vacant_ = nothing_vacant;
    PageTree copy;
    copy.root_ = root_;
    copy.levels_ = levels_;
    if (root_ != nullptr)
        root_->references.fetch_add(1, std::memory_order_relaxed);
    return copy;
}

PageTree::Found PageTree::find_from_root(std::uint64_t index) const {
    if (!covers(index))
        return {};
    auto* node = root_;
    bool is_exclusive = true;
    for (int level = levels_ - 1;; --level) {
        is_exclusive = is_exclusive && node->references.load(std::memory_order_acquire) == 1;
        if (level == 0)
            break;
        auto const slot = slot_at(index, level);
        if ((node->present & bit(slot)) == 0) {
            // Nothing up to the next slot that is in use.
            auto const later = node->present >> slot;
            auto const empty = later != 0 ? static_cast<unsigned>(std::countr_zero(later)) : fanout - slot;
            recent_ = {.first = align_down(index, pages_below(level)), .count = empty * pages_below(level)};
            return {};
        }
        node = inner(*node).children[slot];
    }
    recent_ = {.first = align_down(index, fanout), .count = fanout, .leaf = &leaf(*node), .is_exclusive = is_exclusive};
    return find(index);
}

// Replaces a shared node by a copy of its own, below a parent that is exclusive already.
Result<PageTree::Node*> PageTree::make_exclusive(Node*& link, int level, Account& account) {
    auto& old_node = *link;
    if (level == 0) {
        auto& copy = *TRY(make_node<Leaf>(account));
        copy.present = old_node.present;
        for (auto bits = copy.present; bits != 0; bits &= bits - 1) {
            auto const slot = static_cast<unsigned>(std::countr_zero(bits));
            copy.pages[slot] = leaf(old_node).pages[slot];
            add_tree({std::uint64_t{copy.pages[slot]} * page_size});
        }
        link = &copy;
    } else {
        auto& copy = *TRY(make_node<Inner>(account));
        copy.present = old_node.present;
        for (auto bits = copy.present; bits != 0; bits &= bits - 1) {
            auto const slot = static_cast<unsigned>(std::countr_zero(bits));
            copy.children[slot] = inner(old_node).children[slot];
            copy.children[slot]->references.fetch_add(1, std::memory_order_relaxed);
        }
        link = &copy;
    }
    // The other holders may have left meanwhile.
    UnchargeBatch batch;
    release(&old_node, level, batch);
    return link;
}

Result<> PageTree::grow_to(std::uint64_t index, Account& account) {
    forget_recent();
    if (root_ == nullptr) {
        // High enough at once: there is nothing to keep below.
        int levels = 1;
        while (index >> shift_of(levels) != 0)
            ++levels;
        if (levels == 1)
            root_ = TRY(make_node<Leaf>(account));
        else
            root_ = TRY(make_node<Inner>(account));
        levels_ = levels;
    }
    while (!covers(index)) {
        auto& above = *TRY(make_node<Inner>(account));
        above.present = bit(0);
        above.children[0] = root_;
        root_ = &above;
        ++levels_;
    }
    return {};
}

// The node at `level` on the way to `index`, exclusive, made as needed.
Result<PageTree::Node*> PageTree::node_at(std::uint64_t index, int level, Account& account) {
    forget_recent();
    if (!covers(index)) [[unlikely]]
        TRY(grow_to(index, account));
    auto** link = &root_;
    for (int at = levels_ - 1;; --at) {
        auto* node = *link;
        if (node->references.load(std::memory_order_acquire) != 1) [[unlikely]]
            node = TRY(make_exclusive(*link, at, account));
        if (at == level)
            return node;
        auto const slot = slot_at(index, at);
        link = &inner(*node).children[slot];
        if ((node->present & bit(slot)) == 0) {
            if (at == 1)
                *link = TRY(make_node<Leaf>(account));
            else
                *link = TRY(make_node<Inner>(account));
            node->present |= bit(slot);
        }
    }
}

Result<PageTree::Slot> PageTree::slot_from_root(std::uint64_t index, Account& account) {
    auto& node = leaf(*TRY(node_at(index, 0, account)));
    recent_ = {.first = align_down(index, fanout), .count = fanout, .leaf = &node, .is_exclusive = true};
    auto const slot = slot_at(index, 0);
    return Slot(node.pages[slot], node.present, bit(slot));
}

Result<PhysAddr> PageTree::exchange(std::uint64_t index, PhysAddr page, Account& account) {
    auto slot = TRY(slot_for(index, account));
    auto const old_page = slot.found().page;
    slot.set(page);
    return old_page;
}

Result<> PageTree::erase(std::uint64_t first, std::uint64_t count, Account& account) {
    UnchargeBatch batch;
    auto const end = std::min(first + count, page_limit);
    for (auto index = next_present(first, end); index < end; index = next_present(index, end)) {
        // The largest subtree at `index` that the range covers whole; absent pages before it do not matter.
        int level = 0;
        while (level + 1 < levels_ && align_down(index, pages_below(level + 1)) >= first &&
               align_down(index, pages_below(level + 1)) + pages_below(level + 1) <= end)
            ++level;
        if (level == 0) {
            // What the range has of one leaf.
            TRY(slot_for(index, account));
            auto& node = *recent_.leaf;
            auto const slot = slot_at(index, 0);
            auto const wanted = std::min<std::uint64_t>(end - index, fanout - slot);
            auto const mask = (wanted == fanout ? ~std::uint64_t{0} : bit(static_cast<unsigned>(wanted)) - 1) << slot;
            for (auto bits = node.present & mask; bits != 0; bits &= bits - 1)
                drop_tree({std::uint64_t{node.pages[static_cast<unsigned>(std::countr_zero(bits))]} * page_size}, batch);
            node.present &= ~mask;
            if (node.present == 0)
                prune_later(index);
            index += wanted;
            continue;
        }
        // One slot of a node at this level goes.
        auto& node = *TRY(node_at(index, level, account));
        auto const slot = slot_at(index, level);
        node.present &= ~bit(slot);
        release(inner(node).children[slot], level - 1, batch);
        if (node.present == 0)
            prune(index);
        index = align_down(index, pages_below(level)) + pages_below(level);
    }
    return {};
}

void PageTree::take(std::uint64_t index) {
    (void)find(index);
    auto& present = recent_.leaf->present;
    present &= ~bit(slot_at(index, 0));
    if (present == 0)
        prune_later(index);
}

// Keeps the leaf of `index`, which has become empty, instead of the one that was kept so far.
void PageTree::prune_later(std::uint64_t index) {
    auto const previous = std::exchange(vacant_, index);
    if (previous != nothing_vacant && previous / fanout != index / fanout)
        prune(previous);
}

// Removes the empty nodes on the way to `index`, which are exclusive.
void PageTree::prune(std::uint64_t index) {
    forget_recent();
    UnchargeBatch batch;
    std::array<Node*, level_limit> path{};
    int level = levels_ - 1;
    path[static_cast<std::size_t>(level)] = root_;
    while (path[static_cast<std::size_t>(level)]->present != 0) {
        auto const slot = slot_at(index, level);
        auto& node = *path[static_cast<std::size_t>(level)];
        if (level == 0 || (node.present & bit(slot)) == 0)
            return;
        path[static_cast<std::size_t>(--level)] = inner(node).children[slot];
    }
    // The lowest node on the way is empty; so are, perhaps, those above it once it is gone.
    for (;; ++level) {
        auto& node = *path[static_cast<std::size_t>(level)];
        if (node.present != 0)
            return;
        free_node(node, level, batch);
        if (level == levels_ - 1)
            break;
        path[static_cast<std::size_t>(level) + 1]->present &= ~bit(slot_at(index, level + 1));
    }
    root_ = nullptr;
    levels_ = 0;
    vacant_ = nothing_vacant;
}

Result<> PageTree::move(std::uint64_t first, std::uint64_t count, std::uint64_t to, Account& account) {
    auto const end = first + count;
    // Everything that can fail comes first: both leaves of every page, exclusive. Empty ones do no harm.
    for (auto index = next_present(first, end); index < end; index = next_present(index + 1, end)) {
        TRY(node_at(to + (index - first), 0, account));
        TRY(node_at(index, 0, account));
    }
    for (auto index = next_present(first, end); index < end; index = next_present(index + 1, end)) {
        auto source = node_at(index, 0, account);
        auto target = node_at(to + (index - first), 0, account);
        if (!source || !target)
            return fail(Error::no_memory);
        auto const from_slot = slot_at(index, 0);
        auto const to_slot = slot_at(to + (index - first), 0);
        leaf(**target).pages[to_slot] = leaf(**source).pages[from_slot];
        (*target)->present |= bit(to_slot);
        (*source)->present &= ~bit(from_slot);
        if ((*source)->present == 0)
            prune(index);
    }
    return {};
}

std::uint64_t PageTree::next_present(std::uint64_t from, std::uint64_t end) const {
    while (from < end && covers(from)) {
        if (from - recent_.first >= recent_.count)
            (void)find_from_root(from);
        if (recent_.leaf != nullptr) {
            if (auto const later = recent_.leaf->present >> (from % fanout); later != 0)
                return std::min(from + static_cast<unsigned>(std::countr_zero(later)), end);
        }
        from = recent_.first + recent_.count;
    }
    return end;
}

std::uint64_t PageTree::count(std::uint64_t first, std::uint64_t end) const {
    std::uint64_t sum = 0;
    for (auto index = next_present(first, end); index < end; index = next_present(index, end)) {
        // A leaf at a time.
        auto* node = root_;
        for (int level = levels_ - 1; level > 0; --level)
            node = inner(*node).children[slot_at(index, level)];
        auto const base = align_down(index, fanout);
        auto bits = node->present >> (index - base) << (index - base);
        if (end - base < fanout)
            bits &= bit(static_cast<unsigned>(end - base)) - 1;
        sum += static_cast<unsigned>(std::popcount(bits));
        index = base + fanout;
    }
    return sum;
}

}  // namespace astrata::kernel::mem
