// What the kernel's command line says about strates.
#pragma once

#include <string_view>

#include "abi/silo_manager_types.h"
#include "lib/containers/static_vector.h"
#include "lib/manifest/manifest.h"

namespace astrata::silo_manager {

struct IsolationOverride {
    manifest::Name strate;
    abi::IsolationMode mode = abi::IsolationMode::user;
};

struct CommandLine {
    bool wants_host_session =
        false;  ///< session=virtio: programs are run for the host instead of a shell on the console
    StaticVector<IsolationOverride, 16> isolation;
    StaticVector<std::string_view, 16> words;    ///< all words, as the session's arguments; borrowed
    StaticVector<std::string_view, 8> mistakes;  ///< words meant for us that make no sense; borrowed

    /// Never fails: a bad word must not keep the system from starting.
    static CommandLine parse(std::string_view text);
};

}  // namespace astrata::silo_manager
