// Memory that is handed out front to back and given back all at once: a tree's nodes live and die together.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/base/result.h"

namespace astrata::shell {

class Arena {
public:
    /// Borrows the storage for its whole life.
    explicit Arena(MutableBytes storage) : storage_(storage) {}
    Arena(Arena const&) = delete;
    Arena& operator=(Arena const&) = delete;

    /// errors    no_memory (the storage is used up)
    [[nodiscard]] Result<MutableBytes> allocate(std::size_t size, std::size_t alignment) {
        auto const start = reinterpret_cast<std::uintptr_t>(storage_.data());
        auto const aligned = (start + used_ + alignment - 1) / alignment * alignment - start;
        if (aligned > storage_.size() || storage_.size() - aligned < size)
            return fail(Error::no_memory);
        used_ = aligned + size;
        return storage_.subspan(aligned, size);
    }

    /// A node. Nodes are never destroyed, only forgotten, so they must not need it.
    template <typename T, typename... Arguments>
        requires std::is_trivially_destructible_v<T>
    [[nodiscard]] Result<T*> make(Arguments&&... arguments) {
        auto const place = TRY(allocate(sizeof(T), alignof(T)));
        return new (place.data()) T{std::forward<Arguments>(arguments)...};
    }

    template <typename T>
        requires std::is_trivially_destructible_v<T>
    [[nodiscard]] Result<std::span<T>> make_array(std::size_t count) {
        if (count > storage_.size() / sizeof(T))
            return fail(Error::no_memory);
        auto const place = TRY(allocate(count * sizeof(T), alignof(T)));
        // The one place where bytes become an array: size and alignment were just allocated for it.
#pragma clang unsafe_buffer_usage begin
        auto* const first = reinterpret_cast<T*>(place.data());
        std::uninitialized_value_construct_n(first, count);
        return std::span<T>(first, count);
#pragma clang unsafe_buffer_usage end
    }

    [[nodiscard]] Result<std::string_view> copy(std::string_view text) {
        auto const place = TRY(allocate(text.size(), 1));
        std::ranges::copy(as_bytes(text), place.begin());
        return as_text(place);
    }

    /// What was allocated after mark() is given back by rewind().
    [[nodiscard]] std::size_t mark() const { return used_; }
    void rewind(std::size_t mark) { used_ = mark; }
    [[nodiscard]] std::size_t available() const { return storage_.size() - used_; }

private:
    MutableBytes storage_;
    std::size_t used_ = 0;
};

/// Gives back at the end of a block what was allocated in it.
class ArenaScope {
public:
    explicit ArenaScope(Arena& arena) : arena_(arena), mark_(arena.mark()) {}
    ArenaScope(ArenaScope const&) = delete;
    ArenaScope& operator=(ArenaScope const&) = delete;
    ~ArenaScope() { arena_.rewind(mark_); }

private:
    Arena& arena_;
    std::size_t mark_;
};

/// Collects text of unknown length at the end of an arena; nothing else may be allocated meanwhile.
class ArenaText {
public:
    explicit ArenaText(Arena& arena) : arena_(arena) {}

    /// errors    no_memory
    [[nodiscard]] Result<> append(std::string_view text) {
        auto const place = TRY(arena_.allocate(text.size(), 1));
        std::ranges::copy(as_bytes(text), place.begin());
        if (first_ == nullptr)
            first_ = reinterpret_cast<char const*>(place.data());
        size_ += text.size();
        return {};
    }
    [[nodiscard]] Result<> append(char character) { return append(std::string_view(&character, 1)); }

    [[nodiscard]] std::string_view view() const { return {first_, size_}; }
    [[nodiscard]] bool is_empty() const { return size_ == 0; }
    /// Leaves the text so far to whoever viewed it and begins another.
    void restart() {
        first_ = nullptr;
        size_ = 0;
    }

private:
    Arena& arena_;
    char const* first_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace astrata::shell
