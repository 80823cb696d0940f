// What a new process finds at the address in its first argument: its own handles, those that its manifest lists, and
// arguments. Written by the silo manager (by Bedrock for the silo manager itself), decoded by the start-up code.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "abi/message.h"
#include "abi/text.h"
#include "lib/base/bytes.h"
#include "lib/base/result.h"

namespace astrata::start {

inline constexpr std::uint64_t start_magic = 0x5452'4154'5341'5453;  // "STASTART", read as little-endian
inline constexpr std::uint32_t start_version = 1;
inline constexpr std::size_t start_block_limit = 4096;
inline constexpr std::size_t argument_limit = 32;

/// The handles that every process has.
struct OwnHandles {
    abi::Handle process = 0;  ///< itself
    abi::Handle home = 0;     ///< its own address space
    abi::Handle silo = 0;     ///< the silo it lives in
    abi::Handle thread = 0;   ///< its first thread
    abi::Handle log = 0;      ///< its log, to write
};

struct StartHeader {
    std::uint64_t magic = start_magic;
    std::uint32_t version = start_version;
    std::uint32_t total_bytes = 0;
    OwnHandles own;
    std::uint32_t instance = 0;  ///< number of a device instance
    std::uint32_t grants = 0;
    std::uint32_t arguments = 0;
    std::uint32_t argument_bytes = 0;  ///< each ended by a NUL
    abi::Text<32> instance_name;
};
static_assert(sizeof(StartHeader) == 104);

/// One handle that the manifest lists. Roles are numbered from 1 in the manifest's order (lib/manifest/roles.h).
struct Grant {
    std::uint32_t role = 0;
    std::uint32_t index = 0;  ///< of a need: 0 the endpoint, 1 the notification `restarted`
    abi::Handle handle = 0;
};
static_assert(sizeof(Grant) == 16);

/// Collects a block in a page-sized buffer.
class StartBlockWriter {
public:
    StartBlockWriter(OwnHandles const& own, std::string_view instance_name, std::uint32_t instance);

    /// errors    no_resources (the block is full)
    [[nodiscard]] Result<> add_grant(Grant grant);
    /// errors    no_resources, invalid_argument (the text contains a NUL)
    [[nodiscard]] Result<> add_argument(std::string_view text);
    /// The finished block, valid as long as the writer.
    [[nodiscard]] Bytes finish();

private:
    static constexpr std::size_t grant_limit = 96;
    static constexpr std::size_t text_limit = 2048;
    static_assert(sizeof(StartHeader) + grant_limit * sizeof(Grant) + text_limit <= start_block_limit);

    StartHeader header_;
    std::array<Grant, grant_limit> grants_;
    std::array<std::byte, text_limit> text_;
    std::array<std::byte, start_block_limit> block_{};
};

/// A validated view of a block; the bytes are borrowed.
class StartBlock {
public:
    /// errors    corrupt (not a block, or lengths that contradict each other), not_supported (another version)
    static Result<StartBlock> parse(Bytes bytes);

    [[nodiscard]] StartHeader const& header() const { return header_; }
    /// The handle granted for a role, or 0.
    [[nodiscard]] abi::Handle grant(std::uint32_t role, std::uint32_t index = 0) const;
    [[nodiscard]] std::size_t argument_count() const { return header_.arguments; }
    /// Argument `position`, empty past the end.
    [[nodiscard]] std::string_view argument(std::size_t position) const;

private:
    StartBlock() = default;
    StartHeader header_;
    Bytes grants_;
    std::string_view text_;
};

}  // namespace astrata::start
