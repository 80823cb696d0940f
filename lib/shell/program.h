// What starting a Linux program takes: where its name is looked for, and the block of parameters for Personality.start.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "lib/base/bytes.h"
#include "lib/base/result.h"

namespace astrata::shell {

inline constexpr std::size_t path_limit = 4096;  // bytes of a path, as Linux has it
inline constexpr std::string_view default_search_path = "/bin:/sbin:/usr/bin:/usr/sbin";

/// The paths under which a program may be found, in order.
class ProgramSearch {
public:
    /// A name with a slash stands for itself; else it is looked for in each folder of `search_path` (an empty one is
    /// the working directory). Both are borrowed.
    ProgramSearch(std::string_view name, std::string_view search_path)
        : name_(name), rest_(name.contains('/') ? std::string_view{} : search_path), is_direct_(name.contains('/')) {}

    /// The next candidate, valid until the following call; none when there are no more. Candidates that are too long
    /// for a path are left out.
    std::optional<std::string_view> next();

private:
    std::string_view name_;
    std::string_view rest_;
    bool is_direct_;
    bool is_finished_ = false;
    std::array<char, path_limit> candidate_;
};

/// Arguments and environment in the making, in borrowed storage. Texts never contain a NUL.
class ProgramParameters {
public:
    /// Arguments and environment get half of the storage each.
    explicit ProgramParameters(MutableBytes storage)
        : arguments_{storage.first(storage.size() / 2)}, environment_{storage.subspan(storage.size() / 2)} {}

    /// errors    invalid_argument (contains a NUL), name_too_long
    [[nodiscard]] Result<> set_directory(std::string_view directory);
    /// The first one is the program's name.
    /// errors    invalid_argument (contains a NUL), no_space (storage is full)
    [[nodiscard]] Result<> add_argument(std::string_view argument);
    /// `NAME=VALUE`.
    /// errors    as add_argument
    [[nodiscard]] Result<> add_environment(std::string_view entry);
    [[nodiscard]] Result<> add_environment(std::string_view name, std::string_view value);

    [[nodiscard]] std::size_t argument_count() const { return argument_count_; }
    [[nodiscard]] std::string_view program() const {
        return program_size_ == 0 ? "" : arguments_.text().substr(0, program_size_);
    }
    /// The value of an environment variable, the last one of that name.
    [[nodiscard]] std::optional<std::string_view> environment(std::string_view name) const;

    /// Hands the block for Personality.start to `write(Bytes) -> Result<>`, piece by piece, with `program` as the first
    /// argument; returns its length.
    template <typename Write>
    [[nodiscard]] Result<std::size_t> serialize(std::string_view program, Write write) const {
        std::array<char, 24> count;
        auto const count_end = std::to_chars(count.begin(), count.end(), argument_count_).ptr;
        std::string_view const nul("\0", 1);
        std::string_view const directory(directory_.data(), directory_size_);
        auto const rest = argument_count_ == 0 ? std::string_view{} : arguments_.text().substr(program_size_ + 1);
        std::array const pieces = {
            directory, nul, std::string_view(count.begin(), count_end), nul, program, nul, rest, environment_.text()};
        std::size_t length = 0;
        for (auto const piece : pieces) {
            if (!piece.empty())
                TRY(write(as_bytes(piece)));
            length += piece.size();
        }
        return length;
    }

private:
    struct Area {
        MutableBytes storage;
        std::size_t used = 0;
        [[nodiscard]] std::string_view text() const { return as_text(storage.first(used)); }
        [[nodiscard]] Result<> add(std::span<std::string_view const> parts);
    };
    Area arguments_;
    Area environment_;
    std::size_t argument_count_ = 0;
    std::size_t program_size_ = 0;
    std::array<char, path_limit> directory_ = {'/'};
    std::size_t directory_size_ = 1;
};

}  // namespace astrata::shell
