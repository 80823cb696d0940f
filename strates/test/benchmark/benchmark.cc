// Costs of Bedrock's primitives in ticks of the processor's counter, which are instructions when QEMU counts them
// (-icount shift=0). Each figure is the median of seven rounds, the loop around it included.
#include <algorithm>
#include <array>

#include "abi/system_calls.h"
#include "benchmark/environment.h"
#include "sdk/log.h"

namespace astrata {

namespace {

constexpr std::size_t rounds = 7;

/// Ticks that `operation` takes, in tenths.
template <typename Operation>
Result<std::uint64_t> measure(std::uint64_t count, Operation operation) {
    std::array<std::uint64_t, rounds> taken{};
    // The first round warms up and is overwritten by the one after it.
    for (std::size_t round = 0; round <= rounds; ++round) {
        auto const start = __builtin_readcyclecounter();
        for (std::uint64_t i = 0; i != count; ++i)
            TRY(operation());
        taken[round == 0 ? 0 : round - 1] = (__builtin_readcyclecounter() - start) * 10 / count;
    }
    std::ranges::sort(taken, [](std::uint64_t left, std::uint64_t right) { return left < right; });
    return taken[rounds / 2];
}

void report(std::string_view metric, Result<std::uint64_t> tenths) {
    if (tenths)
        sdk::log(metric, " ", *tenths / 10, ".", *tenths % 10, " ticks");
    else
        sdk::log(metric, " failed: ", tenths.error());
}

Result<> call(abi::Handle endpoint, std::size_t words) {
    abi::Message message{};
    message.info = abi::MessageInfo::make(1, words * sizeof(std::uint64_t));
    return sys::endpoint_call(endpoint, message, never);
}

}  // namespace

Result<> strate_main(benchmark::Environment& environment) {
    auto const peer = environment.peer.endpoint.get();
    report("null_syscall_native", measure(1000, [] { return sys::null_call(); }));
    report("ipc_round_trip_0_words", measure(500, [&] { return call(peer, 0); }));
    report("ipc_round_trip_4_words", measure(500, [&] { return call(peer, 4); }));
    report("ipc_round_trip_8_words", measure(500, [&] { return call(peer, 8); }));
    sdk::log("benchmark done");
    return {};
}

}  // namespace astrata
