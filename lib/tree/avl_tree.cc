#include "lib/tree/avl_tree.h"

#include <algorithm>

namespace astrata::detail {

namespace {

int height_of(AvlLink const* link) {
    return link != nullptr ? link->height : 0;
}

}  // namespace

AvlLink* AvlCore::pop_leaf() {
    auto* link = root_;
    if (link == nullptr)
        return nullptr;
    while (link->left != nullptr || link->right != nullptr)
        link = link->left != nullptr ? link->left : link->right;
    // The next search begins at the parent: the root is only where searches begin, while the tree is taken apart.
    auto* const parent = link->parent;
    if (parent != nullptr)
        (parent->left == link ? parent->left : parent->right) = nullptr;
    root_ = parent;
    return link;
}

AvlLink* AvlCore::leftmost(AvlLink* link) {
    while (link != nullptr && link->left != nullptr)
        link = link->left;
    return link;
}

AvlLink* AvlCore::rightmost(AvlLink* link) {
    while (link != nullptr && link->right != nullptr)
        link = link->right;
    return link;
}

AvlLink* AvlCore::successor(AvlLink const* link) {
    if (link->right != nullptr)
        return leftmost(link->right);
    while (link->parent != nullptr && link->parent->right == link)
        link = link->parent;
    return link->parent;
}

AvlLink* AvlCore::predecessor(AvlLink const* link) {
    if (link->left != nullptr)
        return rightmost(link->left);
    while (link->parent != nullptr && link->parent->left == link)
        link = link->parent;
    return link->parent;
}

void AvlCore::replace(AvlLink* parent, AvlLink* old_child, AvlLink* new_child) {
    if (parent == nullptr)
        root_ = new_child;
    else if (parent->left == old_child)
        parent->left = new_child;
    else
        parent->right = new_child;
    if (new_child != nullptr)
        new_child->parent = parent;
}

// Puts `child`, on the right or left side of `link`, in its place, and `link` on the other side below it. Heights are
// the caller's.
template <bool is_left>
[[gnu::always_inline]] inline void AvlCore::lift(AvlLink& link, AvlLink& child) {
    auto*& inner = is_left ? child.right : child.left;
    (is_left ? link.left : link.right) = inner;
    if (inner != nullptr)
        inner->parent = &link;
    inner = &link;
    child.parent = link.parent;
    auto*& place = link.parent == nullptr ? root_ : link.parent->left == &link ? link.parent->left : link.parent->right;
    place = &child;
    link.parent = &child;
}

// Where the left (or right) side is higher by two. Returns the root of the subtree, which is as high as before or,
// possibly after a removal, one lower.
template <bool is_left>
[[gnu::always_inline]] inline AvlLink& AvlCore::restore(AvlLink& link) {
    auto& child = *(is_left ? link.left : link.right);
    auto* const inner = is_left ? child.right : child.left;
    auto const outer_height = height_of(is_left ? child.left : child.right);
    auto const inner_height = height_of(inner);
    if (outer_height >= inner_height) {
        lift<is_left>(link, child);
        link.height = static_cast<std::uint8_t>(1 + inner_height);
        child.height = static_cast<std::uint8_t>(1 + std::max<int>(outer_height, link.height));
        return child;
    }
    lift<!is_left>(child, *inner);
    lift<is_left>(link, *inner);
    inner->height = child.height;
    child.height = link.height = static_cast<std::uint8_t>(inner_height);
    return *inner;
}

void AvlCore::rebalance_from(AvlLink* link) {
    while (link != nullptr) {
        int const old_height = link->height;
        int const left = height_of(link->left);
        int const right = height_of(link->right);
        int const lean = left - right;
        if (lean >= -1 && lean <= 1) [[likely]] {
            int const height = 1 + (lean > 0 ? left : right);
            if (height == old_height)
                return;
            link->height = static_cast<std::uint8_t>(height);
            link = link->parent;
            continue;
        }
        link = lean > 1 ? &restore<true>(*link) : &restore<false>(*link);
        if (link->height == old_height)
            return;  // nothing changes further up
        link = link->parent;
    }
}

// Budget: 15 instructions, 5 for each level that grows, and 40 if the balance must be restored, which ends the growth.
void AvlCore::attach(AvlLink& link, AvlLink* parent, AvlLink** place) {
    link = {.parent = parent, .height = 1};
    *place = &link;
    for (AvlLink* child = &link; parent != nullptr && parent->height == child->height; parent = child->parent) {
        bool const is_left = parent->left == child;
        auto const* const other = is_left ? parent->right : parent->left;
        if (child->height - height_of(other) > 1) {
            is_left ? restore<true>(*parent) : restore<false>(*parent);
            return;
        }
        parent->height = static_cast<std::uint8_t>(child->height + 1);
        child = parent;
    }
}

void AvlCore::detach(AvlLink& link) {
    AvlLink* first_changed;
    if (link.left != nullptr && link.right != nullptr) {
        // The successor has no left child; it takes the element's place.
        auto& heir = *leftmost(link.right);
        first_changed = heir.parent == &link ? &heir : heir.parent;
        replace(heir.parent, &heir, heir.right);
        heir.left = link.left;
        heir.right = link.right;
        heir.height = link.height;
        heir.left->parent = &heir;
        if (heir.right != nullptr)
            heir.right->parent = &heir;
        replace(link.parent, &link, &heir);
    } else {
        first_changed = link.parent;
        replace(link.parent, &link, link.left != nullptr ? link.left : link.right);
    }
    link = {};
    rebalance_from(first_changed);
}

}  // namespace astrata::detail
