#include "lib/tree/avl_tree.h"

#include <algorithm>

namespace astrata::detail {

namespace {

int height_of(AvlLink const* link) {
    return link != nullptr ? link->height : 0;
}

void update_height(AvlLink& link) {
    link.height = static_cast<std::uint8_t>(1 + std::max(height_of(link.left), height_of(link.right)));
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

// Lifts the child on the heavy side over `link`; returns it, the new root of the subtree.
AvlLink* AvlCore::rotate(AvlLink& link, bool is_left_heavy) {
    auto& pivot = is_left_heavy ? *link.left : *link.right;
    replace(link.parent, &link, &pivot);
    auto*& inner = is_left_heavy ? pivot.right : pivot.left;
    (is_left_heavy ? link.left : link.right) = inner;
    if (inner != nullptr)
        inner->parent = &link;
    inner = &link;
    link.parent = &pivot;
    update_height(link);
    update_height(pivot);
    return &pivot;
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
        if (lean > 1) {
            if (height_of(link->left->left) < height_of(link->left->right))
                rotate(*link->left, false);
            link = rotate(*link, true);
        } else {
            if (height_of(link->right->right) < height_of(link->right->left))
                rotate(*link->right, true);
            link = rotate(*link, false);
        }
        if (link->height == old_height)
            return;  // nothing changes further up
        link = link->parent;
    }
}

void AvlCore::attach(AvlLink& link, AvlLink* parent, AvlLink** place) {
    link = {.parent = parent, .height = 1};
    *place = &link;
    rebalance_from(parent);
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
