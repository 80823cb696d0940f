// Promises of single system calls, one function each.
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "abi/system_calls.h"
#include "kernel-contracts/environment.h"
#include "sdk/handle.h"
#include "sdk/log.h"
#include "sdk/thread_context.h"
#include "strates/test/kernel-contracts/races.h"

namespace astrata {

namespace {

using abi::Rights;
using kernel_contracts::Environment;
using sdk::UniqueHandle;

unsigned broken = 0;

void expect(bool is_kept, std::string_view promise) {
    if (is_kept)
        return;
    ++broken;
    sdk::log("BROKEN: ", promise);
}

MonotonicNs in_two_seconds() {
    return sys::clock_now() + 2'000'000'000;
}

Result<> parts_of_regions(Environment& environment) {
    auto const all = environment.interrupts.get();
    UniqueHandle const weak(TRY(sys::handle_duplicate(all, Rights::duplicate | Rights::read, 0)));
    UniqueHandle const part(TRY(sys::io_region_create(weak.get(), 0x10, 2)));
    expect(TRY(sys::handle_info(part.get())).rights == (Rights::duplicate | Rights::read),
           "a part of a region has the rights of the handle that it was made with");
    expect(sys::io_region_create(part.get(), 1, 2).error_or(Error::io) == Error::out_of_range,
           "a part of a region ends where the region does");
    UniqueHandle const smaller(TRY(sys::io_region_create(part.get(), 1, 1)));
    expect(sys::port_read(smaller.get(), 0, 1).error_or(Error::io) == Error::wrong_type, "interrupts are not ports");
    TRY(sys::handle_revoke(weak.get()));
    expect(sys::handle_info(part.get()).error_or(Error::io) == Error::bad_handle &&
               sys::handle_info(smaller.get()).error_or(Error::io) == Error::bad_handle,
           "revoking a region closes its parts");
    return {};
}

// A machine without ports has an empty region of them, of which nothing can be read.
Result<> parts_of_ports(Environment& environment) {
    auto const all = environment.ports.get();
    UniqueHandle const weak(TRY(sys::handle_duplicate(all, Rights::duplicate | Rights::read, 0)));
    auto made = sys::io_region_create(weak.get(), 0x70, 2);
    if (made.error_or(Error::io) == Error::out_of_range) {
        expect(sys::port_read(all, 0, 1).error_or(Error::io) == Error::out_of_range, "no port, no reading");
        expect(sys::port_write(all, 0, 1, 0).error_or(Error::io) == Error::out_of_range, "no port, no writing");
        return {};
    }
    UniqueHandle const part(TRY(std::move(made)));
    expect(!sys::port_write(part.get(), 0, 1, 0), "a part of a region that may be read may not be written");
    UniqueHandle const smaller(TRY(sys::io_region_create(part.get(), 1, 1)));
    expect(TRY(sys::port_read(smaller.get(), 0, 1)) <= 0xff, "a part of a part can be read");
    TRY(sys::handle_revoke(weak.get()));
    expect(sys::port_read(smaller.get(), 0, 1).error_or(Error::io) == Error::bad_handle, "and not once it is revoked");
    return {};
}

Result<> real_time(Environment& environment) {
    constexpr std::uint32_t real_time_level = 24;
    auto const self = environment.thread.get();
    auto const root = environment.root_silo.get();
    expect(sys::thread_set_priority(self, real_time_level, 0).error_or(Error::io) == Error::access_denied,
           "nobody becomes real time without a handle to the root silo");
    UniqueHandle const weak(TRY(sys::handle_duplicate(root, Rights::inspect, 0)));
    expect(sys::thread_set_priority(self, real_time_level, weak.get()).error_or(Error::io) == Error::access_denied,
           "nor with one that does not have the right");
    UniqueHandle const below(TRY(sys::silo_create(root, 1 << 20, 0, 0)));
    expect(sys::thread_set_priority(self, real_time_level, below.get()).error_or(Error::io) == Error::access_denied,
           "nor with one to a silo below it");
    expect(sys::thread_set_priority(self, real_time_level, root).has_value(), "whoever manages the root silo may");
    TRY(sys::thread_set_priority(self, 16, 0));
    return {};
}

// The process has nobody left who could start its only thread.
Result<> unstarted_threads(Environment& environment) {
    UniqueHandle const silo(TRY(sys::silo_create(environment.root_silo.get(), 8 << 20, 0, 0)));
    auto const created =
        TRY(sys::process_create(silo.get(), as_bytes(std::string_view("idle")), abi::IsolationMode::user));
    UniqueHandle const process(created.process);
    UniqueHandle const home(created.home);
    {
        UniqueHandle const thread(TRY(sys::thread_create(process.get(), as_bytes(std::string_view("never started")))));
    }
    expect(sys::object_wait(process.get(), in_two_seconds()).has_value(),
           "a process ends when its threads can never be started");
    return {};
}

Result<> calls_that_time_out(Environment&) {
    UniqueHandle const endpoint(TRY(sys::endpoint_create()));
    UniqueHandle const sent(TRY(sys::notification_create()));
    sdk::thread_context().message_buffer->handles[0] = sent.get();
    abi::Message message{.info = abi::MessageInfo::make(0, 0, 1), .words = {}};
    auto const called = sys::endpoint_call(endpoint.get(), message, sys::clock_now() + 1'000'000);
    expect(called.error_or(Error::io) == Error::timed_out, "a call that nobody takes times out");
    expect(sys::handle_info(sent.get()).has_value(), "and keeps its handles");
    return {};
}

Result<> log_lines(Environment&) {
    UniqueHandle const log(TRY(sys::log_create(4096)));
    TRY(sys::log_write(log.get(), as_bytes(std::string_view("one\n[0.000001] forged\x1b[2J"))));
    std::array<char, 200> text{};
    auto const read = TRY(sys::log_read(log.get(), 0, std::as_writable_bytes(std::span(text))));
    std::string_view const shown(text.data(), read.count);
    expect(shown.ends_with("one?[0.000001] forged?[2J\n"), "a log line cannot look like two");
    return {};
}

// Wait sets know their sources whatever their number, and forget what is removed.
Result<> wait_sets(Environment&) {
    UniqueHandle const set(TRY(sys::wait_set_create()));
    UniqueHandle const other(TRY(sys::wait_set_create()));
    UniqueHandle const source(TRY(sys::notification_create()));
    for (int round = 0; round < 3; ++round) {
        TRY(sys::wait_set_add(set.get(), source.get(), 1));
        expect(sys::wait_set_add(other.get(), source.get(), 1).error_or(Error::io) == Error::already_exists,
               "a source is in one set at most");
        expect(sys::wait_set_remove(other.get(), source.get()).error_or(Error::io) == Error::not_found,
               "a source leaves the set that it is in");
        TRY(sys::notification_signal(source.get(), 1));
        TRY(sys::wait_set_remove(set.get(), source.get()));
        abi::Message none{};
        expect(sys::reply_and_wait(0, none, set.get(), MonotonicNs{0}).error_or(Error::io) == Error::would_block,
               "what was removed is not delivered");
    }
    // Closing a set frees its sources.
    {
        UniqueHandle const closed(TRY(sys::wait_set_create()));
        TRY(sys::wait_set_add(closed.get(), source.get(), 1));
    }
    expect(sys::wait_set_add(set.get(), source.get(), 1).has_value(), "a closed set has no sources");
    return {};
}

}  // namespace

Result<> strate_main(Environment& environment) {
    TRY(parts_of_regions(environment));
    TRY(parts_of_ports(environment));
    TRY(real_time(environment));
    TRY(unstarted_threads(environment));
    TRY(calls_that_time_out(environment));
    TRY(log_lines(environment));
    TRY(wait_sets(environment));
    expect(TRY(kernel_contracts::moves_of_handles_that_must_stay()) == 0, "handles that cannot be transferred stay");
    sdk::log("kernel-contracts: ", broken, " broken");
    if (broken != 0)
        return fail(Error::bad_state);
    return {};
}

}  // namespace astrata
