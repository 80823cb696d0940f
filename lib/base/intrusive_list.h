// A doubly linked list whose links live in the elements: being on the list allocates nothing and leaving it needs no
// search.
#pragma once

#include <cstddef>

namespace astrata {

/// The link that an element embeds, one for each list it can be on at the same time.
template <typename T>
struct ListLink {
    T* previous = nullptr;
    T* next = nullptr;
    bool is_linked = false;
};

/// `using RunQueue = IntrusiveList<Thread, &Thread::run_link>;` The list borrows its elements; it does not own them.
template <typename T, ListLink<T> T::* link>
class IntrusiveList {
public:
    IntrusiveList() = default;
    IntrusiveList(IntrusiveList const&) = delete;
    IntrusiveList& operator=(IntrusiveList const&) = delete;

    [[nodiscard]] bool is_empty() const { return first_ == nullptr; }
    [[nodiscard]] T* front() const { return first_; }
    [[nodiscard]] T* back() const { return last_; }
    [[nodiscard]] static bool is_linked(T const& element) { return (element.*link).is_linked; }
    [[nodiscard]] static T* next(T const& element) { return (element.*link).next; }

    void push_back(T& element) { insert_between(last_, element, nullptr); }
    void push_front(T& element) { insert_between(nullptr, element, first_); }
    /// Inserts before `position`, which is on this list; at the end if it is null.
    void insert_before(T* position, T& element) {
        insert_between(position != nullptr ? (position->*link).previous : last_, element, position);
    }

    void remove(T& element) {
        auto& own = element.*link;
        (own.previous != nullptr ? (own.previous->*link).next : first_) = own.next;
        (own.next != nullptr ? (own.next->*link).previous : last_) = own.previous;
        own = {};
    }

    T* pop_front() {
        T* element = first_;
        if (element != nullptr) {
            first_ = (element->*link).next;
            (first_ != nullptr ? (first_->*link).previous : last_) = nullptr;
            element->*link = {};
        }
        return element;
    }

    class Iterator {
    public:
        explicit Iterator(T* element) : element_(element) {}
        T& operator*() const { return *element_; }
        T* operator->() const { return element_; }
        Iterator& operator++() {
            element_ = (element_->*link).next;
            return *this;
        }
        bool operator==(Iterator const&) const = default;

    private:
        T* element_;
    };
    [[nodiscard]] Iterator begin() const { return Iterator(first_); }
    [[nodiscard]] Iterator end() const { return Iterator(nullptr); }

private:
    void insert_between(T* previous, T& element, T* next) {
        element.*link = {.previous = previous, .next = next, .is_linked = true};
        (previous != nullptr ? (previous->*link).next : first_) = &element;
        (next != nullptr ? (next->*link).previous : last_) = &element;
    }

    T* first_ = nullptr;
    T* last_ = nullptr;
};

}  // namespace astrata
