// An intrusive ordered tree (Adelson-Velsky and Landis, 1962): the heights of siblings differ by at most one.
#pragma once

#include <cstdint>
#include <utility>

namespace astrata {

/// Base of elements. An element is in one tree at most.
struct AvlLink {
    AvlLink* parent = nullptr;
    AvlLink* left = nullptr;
    AvlLink* right = nullptr;
    std::uint8_t height = 0;  ///< of the subtree below and including this element; 0 while in no tree
};

namespace detail {

// The part that does not depend on the element's type.
class AvlCore {
public:
    [[nodiscard]] AvlLink* root() const { return root_; }
    /// Hangs `link` below `parent` (null: as root) at the empty place `*place`.
    void attach(AvlLink& link, AvlLink* parent, AvlLink** place);
    void detach(AvlLink& link);

    AvlLink* pop_leaf();

    static AvlLink* leftmost(AvlLink* link);
    static AvlLink* rightmost(AvlLink* link);
    static AvlLink* successor(AvlLink const* link);
    static AvlLink* predecessor(AvlLink const* link);

    AvlLink* root_ = nullptr;

private:
    void replace(AvlLink* parent, AvlLink* old_child, AvlLink* new_child);
    template <bool is_left>
    void lift(AvlLink& link, AvlLink& child);
    template <bool is_left>
    AvlLink& restore(AvlLink& link);
    void rebalance_from(AvlLink* link);
};

}  // namespace detail

/// `KeyOf` is a stateless function object: KeyOf{}(element) yields the key, which stays the same relative to its
/// neighbours' while the element is in the tree. Keys are unique. The tree borrows its elements.
template <typename T, typename KeyOf>
class AvlTree {
public:
    using Key = decltype(KeyOf{}(std::declval<T const&>()));

    AvlTree() = default;
    AvlTree(AvlTree const&) = delete;
    AvlTree& operator=(AvlTree const&) = delete;

    [[nodiscard]] bool is_empty() const { return core_.root() == nullptr; }
    /// False, and nothing changes, if the key is taken.
    bool insert(T& element) {
        AvlLink* parent = nullptr;
        AvlLink** place = &core_.root_;
        auto const key = KeyOf{}(element);
        while (*place != nullptr) {
            parent = *place;
            auto const other = KeyOf{}(*typed(parent));
            if (key == other)
                return false;
            place = key < other ? &parent->left : &parent->right;
        }
        core_.attach(element, parent, place);
        return true;
    }
    /// The same for an element that belongs directly behind `lower` (null: before all others), which is known.
    void insert_after(T& element, T* lower) {
        if (lower != nullptr && lower->right == nullptr) {
            core_.attach(element, lower, &lower->AvlLink::right);
            return;
        }
        auto* const upper = detail::AvlCore::leftmost(lower != nullptr ? lower->right : core_.root());
        core_.attach(element, upper, upper != nullptr ? &upper->left : &core_.root_);
    }
    void remove(T& element) { core_.detach(element); }

    [[nodiscard]] T* find(Key key) const {
        auto* link = core_.root();
        while (link != nullptr) {
            auto const other = KeyOf{}(*typed(link));
            if (key == other)
                break;
            link = key < other ? link->left : link->right;
        }
        return typed(link);
    }
    /// The first element whose key is not less than `key`.
    [[nodiscard]] T* lower_bound(Key key) const {
        AvlLink* best = nullptr;
        for (auto* link = core_.root(); link != nullptr;) {
            if (KeyOf{}(*typed(link)) < key) {
                link = link->right;
            } else {
                best = link;
                link = link->left;
            }
        }
        return typed(best);
    }
    /// The last element whose key is not greater than `key`.
    [[nodiscard]] T* last_not_after(Key key) const {
        AvlLink* best = nullptr;
        for (auto* link = core_.root(); link != nullptr;) {
            if (key < KeyOf{}(*typed(link))) {
                link = link->left;
            } else {
                best = link;
                link = link->right;
            }
        }
        return typed(best);
    }
    [[nodiscard]] T* first() const { return typed(detail::AvlCore::leftmost(core_.root())); }
    [[nodiscard]] T* last() const { return typed(detail::AvlCore::rightmost(core_.root())); }
    [[nodiscard]] static T* next(T const& element) { return typed(detail::AvlCore::successor(&element)); }
    [[nodiscard]] static T* previous(T const& element) { return typed(detail::AvlCore::predecessor(&element)); }
    [[nodiscard]] T* root() const { return typed(core_.root()); }

    /// Takes some element out without restoring balance, for taking the whole tree apart: nothing else may be done with
    /// the tree until it is empty. Null when it is.
    T* pop_for_teardown() { return typed(core_.pop_leaf()); }
    /// Fills this empty tree with twins of `other`'s elements in the same shape, which costs no balancing.
    /// `make(element)` yields a twin with the same key, or null; then the copy ends, incomplete and fit for teardown
    /// only, and false is returned.
    template <typename Make>
    bool copy_shape(AvlTree const& other, Make make) {
        AvlLink const* source = other.core_.root();
        AvlLink* parent = nullptr;
        AvlLink** place = &core_.root_;
        while (source != nullptr) {
            AvlLink* twin = make(*static_cast<T const*>(source));
            if (twin == nullptr)
                return false;
            *twin = {.parent = parent, .height = source->height};
            *place = twin;
            if (source->left != nullptr) {
                parent = twin;
                place = &twin->left;
                source = source->left;
                continue;
            }
            // Up to the nearest element whose right side is still to do.
            while (source != nullptr && source->right == nullptr) {
                while (source->parent != nullptr && source->parent->right == source) {
                    source = source->parent;
                    twin = twin->parent;
                }
                source = source->parent;
                twin = twin->parent;
            }
            if (source == nullptr)
                break;
            parent = twin;
            place = &twin->right;
            source = source->right;
        }
        return true;
    }

private:
    static T* typed(AvlLink* link) { return static_cast<T*>(link); }
    detail::AvlCore core_;
};

}  // namespace astrata
