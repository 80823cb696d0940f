// The parts that the generated Environment of every strate is made of.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "lib/start/start_block.h"
#include "sdk/handle.h"

namespace astrata::sdk {

/// A service that the strate uses. The endpoint outlives its provider: calls wait while a crashed provider is
/// restarted.
struct Need {
    UniqueHandle endpoint;   ///< empty: an optional need that nobody provides
    UniqueHandle restarted;  ///< Notification, signalled each time the provider has been started anew

    explicit operator bool() const { return static_cast<bool>(endpoint); }
};

/// What every strate has.
struct CommonEnvironment {
    UniqueHandle log;                             ///< Log, to write; sdk/log.h uses it
    UniqueHandle self;                            ///< own process
    UniqueHandle home;                            ///< own address space
    UniqueHandle silo;                            ///< own silo
    UniqueHandle thread;                          ///< first thread
    std::span<std::string_view const> arguments;  ///< from whoever started the instance
    std::uint32_t instance = 0;                   ///< number of a device instance
    std::string_view instance_name;               ///< "ext4", "virtio-blk.0"

    [[nodiscard]] Result<> take_common(start::StartBlock const& block);
};

/// errors    not_found (the block has no handle for the role)
[[nodiscard]] Result<UniqueHandle> take_grant(start::StartBlock const& block, std::uint32_t role);
[[nodiscard]] Result<Need> take_need(start::StartBlock const& block, std::uint32_t role);
[[nodiscard]] Need take_optional_need(start::StartBlock const& block, std::uint32_t role);

/// Decodes the strate's Environment and runs strate_main; generated for each strate.
[[nodiscard]] Result<> run_strate(start::StartBlock const& block);

}  // namespace astrata::sdk
