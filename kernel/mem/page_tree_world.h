// Page trees that share, copy, lose and move their pages, short of memory at times, against maps that know each page's
// content.
#pragma once

#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <vector>

#include "kernel/mem/page_tree.h"
#include "kernel/mem/shortage_testing.h"
#include "lib/base/bytes.h"
#include "lib/testing/choices.h"

namespace astrata::kernel::mem {

class PageTreeWorld {
public:
    explicit PageTreeWorld(testing::Choices& choices) : choices_(choices) {}

    void run() {
        while (choices_.has_step()) {
            step();
            check(choices_.from(trees_));
        }
        for (auto& tree : trees_)
            check(tree);
        trees_.clear();
        for (auto const& account : accounts_)
            require(account->used() == 0);
    }

private:
    using Model = std::map<std::uint64_t, std::uint64_t>;  // content by page number
    struct Tree {
        PageTree tree;
        Model model;
    };
    static constexpr std::size_t tree_limit = 5;

    static void require(bool holds, std::source_location where = std::source_location::current()) {
        testing::require(holds, where);
    }
    static std::uint64_t value_of(PhysAddr page) { return load<std::uint64_t>(page_bytes(page), 0).value(); }
    static void write_value(PhysAddr page, std::uint64_t value) {
        require(store(page_bytes(page), 0, value).has_value());
    }
    static void drop(PhysAddr page) {
        UnchargeBatch batch;
        if (page.value != 0)
            drop_tree(page, batch);
    }

    // Near each other, so that leaves are shared and emptied, in places that need one to six levels.
    std::uint64_t some_index() {
        static constexpr std::array<std::uint64_t, 6> bases{
            0, 40, 64 * 64 - 20, 1U << 18, (std::uint64_t{1} << 24) - 30, PageTree::page_limit - 80};
        return choices_.from(bases) + choices_.below(choices_.one_in(4) ? 80 : 8);
    }
    std::uint64_t some_count() { return choices_.one_in(4) ? choices_.below(1U << 16) + 1 : choices_.below(100) + 1; }

    void step() {
        auto& tree = choices_.from(trees_);
        auto& account = *choices_.from(accounts_);
        auto const kind = choices_.below(12);
        // What is about to be put is there beforehand: the shortage is for what the tree itself needs.
        auto const allocated = allocate_user_page(account, Zero::no);
        if (!allocated)
            return discard(tree);
        auto const fresh = *allocated;
        ++next_value_;
        write_value(fresh, next_value_);
        bool is_used = false;
        {
            std::optional<ChargeShortage> charge;
            std::optional<FrameShortage> frames;
            if (choices_.one_in(6))
                charge.emplace(account, choices_.below(6) * 300);
            else if (choices_.one_in(32))
                frames.emplace(choices_.below(3));
            bool const may_fail = charge || frames;
            switch (kind) {
            case 0: share(tree); break;
            case 1: discard(tree); break;
            case 2: replace(tree); break;
            case 3: erase(tree, account, may_fail); break;
            case 4: move(tree, account, may_fail); break;
            case 5: is_used = put_through_slot(tree, account, fresh, may_fail); break;
            default: is_used = put(tree, account, fresh, may_fail);
            }
        }
        if (!is_used)
            drop(fresh);
    }

    void share(Tree& tree) {
        if (trees_.size() == tree_limit)
            return;
        auto copy = tree.tree.share();
        auto model = tree.model;
        trees_.push_back({std::move(copy), std::move(model)});
    }
    void discard(Tree& tree) {
        if (choices_.below(2) == 0 || trees_.size() == 1) {
            tree.tree.clear();
            tree.model.clear();
        } else {
            std::swap(tree, trees_.back());
            trees_.pop_back();
        }
    }
    void replace(Tree& tree) {
        auto& other = choices_.from(trees_);
        if (&other == &tree)
            return;
        tree.tree = other.tree.share();
        tree.model = other.model;
    }
    bool put(Tree& tree, Account& account, PhysAddr page, bool may_fail) {
        auto const index = some_index();
        // As a write to memory does: in place, where nobody else has the page.
        if (auto const found = tree.tree.find(index); found && found.is_exclusive && choices_.below(2) == 0) {
            write_value(found.page, next_value_);
            tree.model[index] = next_value_;
            return false;
        }
        auto const previous = tree.tree.exchange(index, page, account);
        if (!previous) {
            require(may_fail && previous.error() == Error::no_memory);
            return false;
        }
        auto const known = tree.model.find(index);
        require(known == tree.model.end() ? previous->value == 0 : value_of(*previous) == known->second);
        drop(*previous);
        tree.model[index] = next_value_;
        return true;
    }
    bool put_through_slot(Tree& tree, Account& account, PhysAddr page, bool may_fail) {
        auto const index = some_index();
        auto slot = tree.tree.slot_for(index, account);
        if (!slot) {
            require(may_fail && slot.error() == Error::no_memory);
            return false;
        }
        auto const found = slot->found();
        require(static_cast<bool>(found) == tree.model.contains(index));
        if (choices_.below(2) == 0)
            return false;
        slot->set(page);
        drop(found.page);
        tree.model[index] = next_value_;
        return true;
    }
    void erase(Tree& tree, Account& account, bool may_fail) {
        auto const first = some_index();
        auto const count = some_count();
        auto const from = tree.model.lower_bound(first);
        auto const to = tree.model.lower_bound(first + count);
        if (auto const erased = tree.tree.erase(first, count, account); erased) {
            tree.model.erase(from, to);
            return;
        } else {
            require(may_fail && erased.error() == Error::no_memory);
        }
        // Part of the range is done: what is still there is what was there.
        for (auto at = from; at != to;)
            at = tree.tree.find(at->first) ? std::next(at) : tree.model.erase(at);
    }
    void move(Tree& tree, Account& account, bool may_fail) {
        auto const first = some_index();
        auto const count = choices_.below(100) + 1;
        auto const to = some_index();
        if ((first < to + count && to < first + count) || std::max(first, to) + count > PageTree::page_limit ||
            tree.model.lower_bound(to) != tree.model.lower_bound(to + count))
            return;
        if (auto const moved = tree.tree.move(first, count, to, account); !moved) {
            require(may_fail && moved.error() == Error::no_memory);
            return;
        }
        Model moved;
        auto const begin = tree.model.lower_bound(first);
        auto const end = tree.model.lower_bound(first + count);
        for (auto at = begin; at != end; ++at)
            moved[to + (at->first - first)] = at->second;
        tree.model.erase(begin, end);
        tree.model.merge(moved);
    }

    // The tree says the same as the map by every way to ask it.
    void check(Tree& tree) {
        auto const& pages = tree.tree;
        auto expected = tree.model.begin();
        for (auto index = pages.next_present(0, PageTree::page_limit); index < PageTree::page_limit;
             index = pages.next_present(index + 1, PageTree::page_limit), ++expected) {
            require(expected != tree.model.end() && expected->first == index);
            auto const found = pages.find(index);
            require(found && value_of(found.page) == expected->second);
            require(!found.is_exclusive || is_only_here(tree, found.page, index));
        }
        require(expected == tree.model.end());
        require(pages.count(0, PageTree::page_limit) == tree.model.size());
        auto const index = some_index();
        require(static_cast<bool>(pages.find(index)) == tree.model.contains(index));
        auto const run = pages.run_at(index);
        require(run.count > 0 && run.count <= PageTree::page_limit);
        for (std::uint64_t i = 0; i < std::min<std::uint64_t>(run.count, PageTree::fanout); ++i) {
            bool const is_present = (run.present >> i & 1) != 0;
            require(index + i >= PageTree::page_limit || is_present == tree.model.contains(index + i));
        }
        auto const first = some_index();
        auto const end = std::min(first + some_count(), PageTree::page_limit);
        auto const inside = std::distance(tree.model.lower_bound(first), tree.model.lower_bound(end));
        require(pages.count(first, end) == static_cast<std::uint64_t>(inside));
    }
    bool is_only_here(Tree const& tree, PhysAddr page, std::uint64_t index) {
        for (auto const& other : trees_) {
            if (&other == &tree)
                continue;
            if (auto const found = other.tree.find(index); found && found.page == page)
                return false;
        }
        return true;
    }

    testing::Choices& choices_;
    std::array<Ref<Account>, 2> accounts_{Account::create(nullptr, Account::unlimited).value(),
                                          Account::create(nullptr, Account::unlimited).value()};
    std::vector<Tree> trees_ = std::vector<Tree>(1);
    std::uint64_t next_value_ = 0;
};

}  // namespace astrata::kernel::mem
