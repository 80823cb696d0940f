// Text that grows fallibly.
#pragma once

#include <string_view>

#include "lib/containers/hash.h"
#include "lib/containers/vector.h"

namespace astrata {

class String {
public:
    String() = default;
    /// errors    no_memory
    [[nodiscard]] static Result<String> from(std::string_view text) {
        String made;
        TRY(made.append(text));
        return made;
    }

    [[nodiscard]] std::string_view view() const { return {characters_.span().data(), characters_.size()}; }
    operator std::string_view() const { return view(); }
    [[nodiscard]] std::size_t size() const { return characters_.size(); }
    [[nodiscard]] bool is_empty() const { return characters_.is_empty(); }

    /// errors    no_memory, with nothing appended
    [[nodiscard]] Result<> append(std::string_view text) { return characters_.append(text); }
    [[nodiscard]] Result<> append(char character) { return characters_.push_back(character); }
    [[nodiscard]] Result<> insert(std::size_t position, char character) {
        return characters_.insert(position, character);
    }
    [[nodiscard]] Result<> reserve(std::size_t size) { return characters_.reserve(size); }
    /// errors    no_memory
    [[nodiscard]] Result<> assign(std::string_view text) {
        *this = TRY(from(text));
        return {};
    }
    [[nodiscard]] Result<String> clone() const { return from(view()); }
    void erase(std::size_t position) { characters_.erase(position); }
    /// Cuts off what is beyond `size` characters.
    void truncate(std::size_t size) {
        while (characters_.size() > size)
            characters_.pop_back();
    }
    void clear() { characters_.clear(); }

    bool operator==(std::string_view other) const { return view() == other; }
    bool operator==(String const& other) const { return view() == other.view(); }

private:
    Vector<char> characters_;
};

inline std::uint64_t hash_of(String const& text) {
    return hash_of(text.view());
}

}  // namespace astrata
