// Calls to a Stream while its provider may be in the middle of a restart.
#pragma once

#include "abi/system_calls.h"
#include "lib/base/result.h"
#include "lib/base/units.h"
#include "strates/linux/core/wait.h"

namespace astrata::linux_abi {

/// What fits one message of the Stream interface.
inline constexpr std::size_t stream_chunk = 4000;

/// Repeats `call` while its provider is away, for about two seconds: a console driver that crashed is back by then. A
/// call that was interrupted had not been sent.
template <typename Call>
auto retry_stream_call(Call call) {
    constexpr unsigned attempts = 8;
    constexpr std::uint64_t first_pause_ns = 10'000'000;
    for (unsigned attempt = 0;; ++attempt) {
        auto result = retry_interrupted(call);
        if (result.has_value() || result.error() != Error::peer_closed || attempt == attempts)
            return result;
        (void)sys::thread_sleep(sys::clock_now() + (first_pause_ns << attempt));
    }
}

}  // namespace astrata::linux_abi
