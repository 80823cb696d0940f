// What a small lower directory has, so that names that it has not need no call to its strate: most are looked for just
// before they are made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "strates/linux/filesystems/overlay/lower.h"

namespace astrata::linux_abi {

/// Hashes of the names, all of them or none. A lower file system does not change, so neither does this. Not locked: its
/// directory's mutex guards it.
class LowerNames {
public:
    static constexpr std::size_t limit = 128;

    /// Whether there is surely no name of this hash.
    [[nodiscard]] bool lack(std::uint32_t hash) const;
    /// A name was asked for and not there. The second time this reads the directory, unless it proves to be too large.
    void note_miss(LowerFileSystem& lower, std::uint64_t directory);

private:
    enum class State : std::uint8_t { not_asked, asked_once, known, of_no_use };

    void learn(LowerFileSystem& lower, std::uint64_t directory);

    State state_ = State::not_asked;
    std::uint16_t count_ = 0;
    std::unique_ptr<std::uint32_t[]> hashes_;  // ascending
};

}  // namespace astrata::linux_abi
