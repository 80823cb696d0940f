// How long it takes from a device's interrupt to the first instruction of the driver that waits for it. The device is
// the PC's interval timer (Intel 8254), channel 0, whose output rises when its count has run out; nobody else uses it.
// The driver is the more urgent of two threads. The other one reads the processor's counter over and over, so that what
// it read last is at most a turn of its loop before the interrupt. Ticks as in the strate benchmark.
#include <atomic>

#include "abi/system_calls.h"
#include "benchmark-interrupt/environment.h"
#include "sdk/handle.h"
#include "sdk/thread.h"
#include "strates/test/measure.h"

namespace astrata {

namespace {

using namespace benchmark_figures;

constexpr std::uint64_t repeats = 20;
constexpr std::uint32_t urgent = 17;  // one above the standard priority
constexpr std::uint32_t line = 0;     // the first and only one of the region that the manifest names
constexpr std::uint64_t counter_port = 0;
constexpr std::uint64_t control_port = 3;
constexpr std::uint64_t count_down_once = 0x30;  // channel 0, both bytes of the count, mode 0
constexpr std::uint64_t count = 300;             // of 1.193182 MHz: a quarter of a millisecond

struct Driver {
    abi::Handle ports = 0;
    abi::Handle interrupt = 0;
    std::atomic<std::uint64_t> read_last = 0;
    std::atomic<bool> is_over = false;

    Result<> arm() const {
        TRY(sys::port_write(ports, control_port, 1, count_down_once));
        TRY(sys::port_write(ports, counter_port, 1, count & 0xff));
        return sys::port_write(ports, counter_port, 1, count >> 8);
    }
    Result<std::uint64_t> round() {
        std::uint64_t total = 0;
        for (std::uint64_t i = 0; i != repeats; ++i) {
            TRY(arm());
            TRY(sys::object_wait(interrupt, never));
            total += ticks() - read_last.load(std::memory_order_relaxed);
        }
        return total * 10 / repeats;
    }
    static void run(void* raw) {
        auto& self = *static_cast<Driver*>(raw);
        (void)sys::thread_set_priority(sdk::current_thread(), urgent, 0);
        report("interrupt_to_driver", median_of([&self] { return self.round(); }));
        self.is_over.store(true, std::memory_order_relaxed);
    }
};

}  // namespace

Result<> strate_main(benchmark_interrupt::Environment& environment) {
    static Driver driver;
    sdk::UniqueHandle const interrupt(
        TRY(sys::interrupt_create(environment.line.get(), line, abi::InterruptTrigger::edge_high)));
    driver.ports = environment.timer.get();
    driver.interrupt = interrupt.get();
    auto const thread = TRY(sdk::Thread::spawn(Driver::run, &driver, "driver"));
    while (!driver.is_over.load(std::memory_order_relaxed))
        driver.read_last.store(ticks(), std::memory_order_relaxed);
    sdk::log("benchmark done");
    return {};
}

}  // namespace astrata
