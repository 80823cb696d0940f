#include "strates/linux/filesystems/overlay/lower_names.h"

#include <algorithm>
#include <array>
#include <new>
#include <span>

#include "strates/linux/vfs/dentry.h"

namespace astrata::linux_abi {

namespace {

class HashSink final : public LowerEntrySink {
public:
    bool add(std::string_view name, std::uint64_t, FileType, std::uint64_t next_cursor) override {
        if (count == hashes.size()) {
            is_too_large = true;
            return false;
        }
        hashes[count++] = NameHash::of(name);
        cursor = next_cursor;
        return true;
    }

    std::array<std::uint32_t, LowerNames::limit> hashes;
    std::size_t count = 0;
    std::uint64_t cursor = 0;
    bool is_too_large = false;
};

}  // namespace

bool LowerNames::lack(std::uint32_t hash) const {
    if (state_ != State::known)
        return false;
#pragma clang unsafe_buffer_usage begin  // count_ is the array's length
    std::span<std::uint32_t const> const hashes(hashes_.get(), count_);
#pragma clang unsafe_buffer_usage end
    return !std::ranges::binary_search(hashes, hash);
}

void LowerNames::note_miss(LowerFileSystem& lower, std::uint64_t directory) {
    if (state_ == State::not_asked)
        state_ = State::asked_once;
    else if (state_ == State::asked_once)
        learn(lower, directory);
}

void LowerNames::learn(LowerFileSystem& lower, std::uint64_t directory) {
    state_ = State::of_no_use;
    HashSink names;
    for (;;) {
        auto const former = names.cursor;
        auto const has_read = lower.read_directory(directory, names.cursor, names);
        // A directory that cannot be read, or does not get on, is asked name by name as before.
        if (!has_read || names.is_too_large || (*has_read && names.cursor == former))
            return;
        if (!*has_read)
            break;
    }
    auto const found = std::span(names.hashes).first(names.count);
    // With an order of our own, since the library keeps its sort for numbers in a part that is not linked here.
    std::ranges::sort(found, [](std::uint32_t one, std::uint32_t other) { return one < other; });
    hashes_.reset(new (std::nothrow) std::uint32_t[found.size()]);
    if (hashes_ == nullptr)
        return;
#pragma clang unsafe_buffer_usage begin  // allocated with this length just now
    std::ranges::copy(found, hashes_.get());
#pragma clang unsafe_buffer_usage end
    count_ = static_cast<std::uint16_t>(found.size());
    state_ = State::known;
}

}  // namespace astrata::linux_abi
