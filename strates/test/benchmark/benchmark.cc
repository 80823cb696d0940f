// Costs of Bedrock's primitives in ticks of the processor's counter, which are instructions when QEMU counts them
// (-icount shift=0). Each figure is the median of seven rounds, the loop around it included.
#include "strates/test/measure.h"

#include "abi/system_calls.h"
#include "benchmark/environment.h"
#include "strates/test/benchmark/memory.h"
#include "strates/test/benchmark/threads.h"

namespace astrata {

namespace {

using namespace benchmark_figures;

Result<std::uint64_t> round_trip(abi::Handle endpoint, std::size_t words) {
    abi::Message message{};
    return measure(500, [&] {
        message.info = abi::MessageInfo::make(1, words * sizeof(std::uint64_t));
        return sys::endpoint_call(endpoint, message, never);
    });
}

}  // namespace

Result<> strate_main(benchmark::Environment& environment) {
    auto const peer = environment.peer.endpoint.get();
    report("null_syscall_native", measure(1000, [] { return sys::null_call(); }));
    report("ipc_round_trip_0_words", round_trip(peer, 0));
    report("ipc_round_trip_4_words", round_trip(peer, 4));
    report("ipc_round_trip_8_words", round_trip(peer, 8));
    report("ipc_round_trip_10_words", round_trip(peer, 10));
    report("ipc_round_trip_same_space", ipc_round_trip_same_space());
    report("timer_wakes_thread", timer_wakes_thread());
    report("signal_waiting_thread", signal_waiting_thread());
    report("yield_between_threads", yield_between_threads());
    report("pager_round_trip", pager_round_trip());
    report("map_page", map_page());
    report("map_page_in_batch", map_page_in_batch());
    sdk::log("benchmark done");
    return {};
}

}  // namespace astrata
