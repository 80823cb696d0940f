// Short texts from user memory.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "kernel/user_copy/user_span.h"
#include "lib/base/result.h"

namespace astrata::kernel {

/// At most `capacity` bytes, copied.
template <std::size_t capacity>
class UserText {
public:
    /// errors    bad_address, message_too_large
    [[nodiscard]] static Result<UserText> copy_from(UserBytesIn const& source) {
        if (source.length > capacity)
            return fail(Error::message_too_large);
        UserText text;
        text.length_ = source.length;
        TRY(copy_in(std::as_writable_bytes(std::span(text.storage_).first(text.length_)), source));
        return text;
    }
    [[nodiscard]] std::span<char> characters() { return std::span(storage_).first(length_); }
    [[nodiscard]] std::string_view view() const { return {storage_.data(), length_}; }

private:
    std::array<char, capacity> storage_;
    std::size_t length_ = 0;
};

/// Of processes and threads.
using NameText = UserText<31>;
using LogLineText = UserText<512>;

}  // namespace astrata::kernel
