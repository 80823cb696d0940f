// A hash table with open addressing and linear probing; its growth can fail.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "lib/containers/hash.h"
#include "lib/containers/vector.h"

namespace astrata {

/// `hash_of(key)` and `==` must exist for keys; look-ups also take other types that hash and compare alike, such as a
/// string_view for String keys. Pointers to values stay valid until the next insertion or removal.
template <typename Key, typename Value>
class HashMap {
public:
    struct Entry {
        Key key;
        Value value;
    };

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool is_empty() const { return size_ == 0; }

    template <typename K>
    [[nodiscard]] Value* find(K const& key) {
        auto const position = locate(key);
        return position ? &slots_[*position]->value : nullptr;
    }
    template <typename K>
    [[nodiscard]] Value const* find(K const& key) const {
        auto const position = locate(key);
        return position ? &slots_[*position]->value : nullptr;
    }
    template <typename K>
    [[nodiscard]] bool contains(K const& key) const {
        return locate(key).has_value();
    }

    /// returns   the new value, in place
    /// errors    already_exists, no_memory
    [[nodiscard]] Result<Value*> insert(Key key, Value value) {
        if (contains(key))
            return fail(Error::already_exists);
        TRY(grow_for_one());
        auto const position = place(Entry{std::move(key), std::move(value)});
        ++size_;
        return &slots_[position]->value;
    }
    /// Inserts or replaces.
    /// errors    no_memory
    [[nodiscard]] Result<Value*> set(Key key, Value value) {
        if (auto* const present = find(key)) {
            *present = std::move(value);
            return present;
        }
        return insert(std::move(key), std::move(value));
    }

    /// returns    the removed value, if there was one
    template <typename K>
    std::optional<Value> remove(K const& key) {
        auto const found = locate(key);
        if (!found)
            return {};
        std::optional<Value> removed = std::move(slots_[*found]->value);
        slots_[*found].reset();
        --size_;
        close_gap(*found);
        return removed;
    }
    void clear() {
        slots_.clear();
        size_ = 0;
    }

    /// Visits the entries in no particular order.
    class Iterator {
    public:
        Iterator(std::span<std::optional<Entry>> rest) : rest_(rest) { skip(); }
        Entry& operator*() const { return *rest_.front(); }
        Entry* operator->() const { return &*rest_.front(); }
        Iterator& operator++() {
            rest_ = rest_.subspan(1);
            skip();
            return *this;
        }
        bool operator==(Iterator const& other) const { return rest_.size() == other.rest_.size(); }

    private:
        void skip() {
            while (!rest_.empty() && !rest_.front())
                rest_ = rest_.subspan(1);
        }
        std::span<std::optional<Entry>> rest_;
    };
    Iterator begin() { return Iterator(slots_.span()); }
    Iterator end() { return Iterator({}); }

private:
    [[nodiscard]] std::size_t mask() const { return slots_.size() - 1; }

    template <typename K>
    [[nodiscard]] std::optional<std::size_t> locate(K const& key) const {
        if (slots_.is_empty())
            return {};
        // There is always an empty slot to stop at.
        for (auto position = hash_of(key) & mask(); slots_[position]; position = (position + 1) & mask()) {
            if (slots_[position]->key == key)
                return position;
        }
        return {};
    }
    std::size_t place(Entry entry) {
        auto position = hash_of(entry.key) & mask();
        while (slots_[position])
            position = (position + 1) & mask();
        slots_[position].emplace(std::move(entry));
        return position;
    }
    // At most three quarters full.
    [[nodiscard]] Result<> grow_for_one() {
        if ((size_ + 1) * 4 <= slots_.size() * 3)
            return {};
        Vector<std::optional<Entry>> former;
        TRY(former.resize(slots_.is_empty() ? 8 : slots_.size() * 2));
        std::swap(former, slots_);
        for (auto& slot : former) {
            if (slot)
                place(std::move(*slot));
        }
        return {};
    }
    // Entries behind a removed one move up so that no search stops too early.
    void close_gap(std::size_t gap) {
        for (auto position = (gap + 1) & mask(); slots_[position]; position = (position + 1) & mask()) {
            auto const home = hash_of(slots_[position]->key) & mask();
            if (((position - home) & mask()) >= ((position - gap) & mask())) {
                slots_[gap] = std::move(slots_[position]);
                slots_[position].reset();
                gap = position;
            }
        }
    }

    Vector<std::optional<Entry>> slots_;  // none, or a power of two
    std::size_t size_ = 0;
};

}  // namespace astrata
