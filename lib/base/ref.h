// Shared, counted ownership with the count inside the object.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace astrata {

/// Base of counted objects. `Derived::destroy(Derived*)` is called by whoever drops the last reference, and says where
/// the memory goes; it must be a static member function.
template <typename Derived>
class RefCounted {
public:
    RefCounted() = default;
    RefCounted(RefCounted const&) = delete;
    RefCounted& operator=(RefCounted const&) = delete;

    // Taking a reference needs no ordering: whoever takes one already holds one.
    void add_reference() { count_.fetch_add(1, std::memory_order_relaxed); }
    // Dropping one releases this holder's writes; the last holder acquires everybody's before it destroys.
    void drop_reference() {
        if (count_.fetch_sub(1, std::memory_order_release) == 1) {
            std::atomic_thread_fence(std::memory_order_acquire);
            Derived::destroy(static_cast<Derived*>(this));
        }
    }
    /// For who knows that others hold references as well.
    void drop_reference_not_last() { count_.fetch_sub(1, std::memory_order_release); }
    /// Drops the reference unless it is the last one; then the caller keeps it, and hands it to somebody who may
    /// destroy.
    [[nodiscard]] bool drop_reference_unless_last() {
        auto seen = count_.load(std::memory_order_relaxed);
        while (seen > 1) {
            if (count_.compare_exchange_weak(seen, seen - 1, std::memory_order_release, std::memory_order_relaxed))
                return true;
        }
        return false;
    }
    /// Takes a reference unless the last one is already gone; for look-ups in weak tables, under the table's lock.
    [[nodiscard]] bool try_add_reference() {
        auto seen = count_.load(std::memory_order_relaxed);
        while (seen != 0) {
            if (count_.compare_exchange_weak(seen, seen + 1, std::memory_order_relaxed))
                return true;
        }
        return false;
    }
    [[nodiscard]] std::uint32_t reference_count() const { return count_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint32_t> count_ = 1;
};

/// A counted reference to a T, never null except after being moved from.
template <typename T>
class Ref {
public:
    /// Takes over a reference that the caller owns (a new object starts with one).
    static Ref adopt(T& object) { return Ref(object); }
    /// Adds a reference of its own.
    static Ref share(T& object) {
        object.add_reference();
        return Ref(object);
    }

    Ref(Ref const& other) : object_(other.object_) {
        if (object_ != nullptr)
            object_->add_reference();
    }
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    template <typename U>
        requires std::is_convertible_v<U*, T*>
    Ref(Ref<U> other) : object_(other.leak()) {}
    Ref& operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Ref() {
        if (object_ != nullptr)
            object_->drop_reference();
    }

    T& operator*() const { return *object_; }
    T* operator->() const { return object_; }
    [[nodiscard]] T* get() const { return object_; }
    /// Gives up the reference without dropping it; the caller owns it now.
    [[nodiscard]] T* leak() { return std::exchange(object_, nullptr); }
    bool operator==(Ref const& other) const { return object_ == other.object_; }

private:
    explicit Ref(T& object) : object_(&object) {}
    T* object_;
};

/// A counted reference that may be absent.
template <typename T>
class RefOrNull {
public:
    RefOrNull() = default;
    RefOrNull(std::nullptr_t) {}
    RefOrNull(Ref<T> reference) : object_(reference.leak()) {}
    RefOrNull(RefOrNull const& other) : object_(other.object_) {
        if (object_ != nullptr)
            object_->add_reference();
    }
    RefOrNull(RefOrNull&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    RefOrNull& operator=(RefOrNull other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~RefOrNull() {
        if (object_ != nullptr)
            object_->drop_reference();
    }

    explicit operator bool() const { return object_ != nullptr; }
    T& operator*() const { return *object_; }
    T* operator->() const { return object_; }
    [[nodiscard]] T* get() const { return object_; }
    [[nodiscard]] T* leak() { return std::exchange(object_, nullptr); }

private:
    T* object_ = nullptr;
};

}  // namespace astrata
