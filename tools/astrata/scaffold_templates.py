"""Files that ./astrata new writes; @name@ and its like are replaced (see scaffold_command.fill)."""

INTERFACE = """// What @name@ serves. Say here what a client may expect, and what a message costs.

interface @pascal@ {
    /// Adds `by` to the count and returns the new one. errors: out_of_range (it would overflow)
    add(by: u64) -> (count: u64)
    @idempotent count() -> (count: u64)
}
"""

STRATE_README = """# @name@

Say in a line what it is for.

`strate.toml` is what it holds and provides, `abi/interfaces/@snake@.abi` the messages, `server.h` answers them and is tested on
the host, `main.cc` puts them together. May depend on abi, lib and sdk.
"""

STRATE_MANIFEST = """name = "@name@"
isolation = "user"
start = "demand"
restart = "on-failure"
memory = "2M"
threads = 2
provides = [{ interface = "@pascal@", scheme = "@name@" }]
"""

STRATE_SERVER = """// Answers the messages of @pascal@.
#pragma once

#include <cstdint>
#include <limits>

#include "abi/@snake@.h"

namespace astrata::@snake@ {

class Server final : public abi::@pascal@Server {
public:
    void add(sdk::Caller const&, AddRequest const& request, AddResponder responder) override {
        if (request.by > std::numeric_limits<std::uint64_t>::max() - count_)
            return responder.fail(Error::out_of_range);
        count_ += request.by;
        responder.reply(count_);
    }
    void count(sdk::Caller const&, CountRequest const&, CountResponder responder) override { responder.reply(count_); }

private:
    std::uint64_t count_ = 0;
};

}  // namespace astrata::@snake@
"""

STRATE_TEST = """// The generated client against the server, in one process.
#include "strates/@name@/server.h"

#include <gtest/gtest.h>

#include "sdk/testing/loopback.h"

namespace astrata::@snake@ {
namespace {

struct @pascal@Test : testing::Test {
    sdk::testing::Loopback loopback;
    Server server;
    abi::@pascal@Client client{3};
    @pascal@Test() { loopback.serve(3, server); }
};

TEST_F(@pascal@Test, counts) {
    EXPECT_EQ(client.add(2), 2u);
    EXPECT_EQ(client.add(3), 5u);
    EXPECT_EQ(client.count(), 5u);
}

TEST_F(@pascal@Test, refuses_to_overflow) {
    EXPECT_EQ(client.add(1), 1u);
    EXPECT_EQ(client.add(~std::uint64_t{0}).error(), Error::out_of_range);
    EXPECT_EQ(client.count(), 1u);
}

}  // namespace
}  // namespace astrata::@snake@
"""

STRATE_MAIN = """// Serves @pascal@ from one event loop.
#include "@name@/environment.h"
#include "sdk/event_loop.h"
#include "strates/@name@/server.h"

namespace astrata {

Result<> strate_main(@snake@::Environment& environment) {
    @snake@::Server server;
    auto loop = TRY(sdk::EventLoop::create());
    TRY(loop.serve(std::move(environment.@snake@), server));
    return loop.run();
}

}  // namespace astrata
"""

DRIVER_README = """# @name@

Driver for which device, by which specification?

`strate.toml` says which devices it serves, `registers.h` what their registers mean (tested on the host), `main.cc` drives them.
May depend on abi, lib and sdk.
"""

DRIVER_MANIFEST = """name = "@name@"
isolation = "user"
start = "device"
restart = "always"
# Vendor and device id of the PCI devices it serves; this one is QEMU's `edu`.
devices = [{ pci = "1234:11e8" }]
"""

DRIVER_REGISTERS = """// Registers of the device. Name the specification and its revision here, and each register's section below.
#pragma once

#include <cstdint>

#include "lib/mmio/registers.h"

namespace astrata::@snake@ {

/// Identification: a fixed pattern below the version.
struct Identification : mmio::Register<0x00, std::uint32_t> {
    using Pattern = Field<0, 16>;
    using MinorVersion = Field<16, 8>;
    using MajorVersion = Field<24, 8>;
};

}  // namespace astrata::@snake@
"""

DRIVER_TEST = """#include "strates/drivers/@class@/@name@/registers.h"

#include <gtest/gtest.h>

namespace astrata::@snake@ {
namespace {

TEST(@pascal@Registers, identification_has_a_version) {
    constexpr std::uint32_t value = 0x010000ed;
    EXPECT_EQ(Identification::Pattern::in(value), 0xedu);
    EXPECT_EQ(Identification::MajorVersion::in(value), 1u);
}

}  // namespace
}  // namespace astrata::@snake@
"""

DRIVER_MAIN = """// Drives one device; the device manager starts an instance for each.
#include "@name@/environment.h"
#include "abi/device.h"
#include "sdk/driver/device.h"
#include "sdk/event_loop.h"
#include "sdk/log.h"
#include "strates/drivers/@class@/@name@/registers.h"

namespace astrata {

Result<> strate_main(@snake@::Environment& environment) {
    abi::DeviceClient device(environment.device.get());
    auto const window = TRY(sdk::MappedWindow::map(device, 0));
    auto const identification = window.registers().read<@snake@::Identification>();
    sdk::log("version ", @snake@::Identification::MajorVersion::in(identification));

    auto interrupt = TRY(device.interrupt(0));
    std::uint64_t interrupts = 0;
    sdk::OnSignal on_interrupt([&](std::uint64_t) {
        ++interrupts;
        if (interrupt.needs_acknowledge != 0)
            (void)sys::interrupt_acknowledge(interrupt.interrupt.get());
    });
    auto loop = TRY(sdk::EventLoop::create());
    TRY(loop.on_signal(interrupt.interrupt.get(), on_interrupt));
    return loop.run();
}

}  // namespace astrata
"""

SYSCALL_DECLARATION = """
/// Say what it does, to whom, and what it may cost.
/// errors: out_of_range (what is out of which range)
syscall @name@(value: u64) -> (result: u64)
"""

SYSCALL_HANDLER = """// System call @name@.
#include "abi/kernel_calls.h"

namespace astrata::kernel {

Result<std::uint64_t> sys_@name@(Thread&, @pascal@Args const& args) {
    if (args.value > 1000)
        return fail(Error::out_of_range);
    return args.value;
}

}  // namespace astrata::kernel
"""
