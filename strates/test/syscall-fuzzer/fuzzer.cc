// Random system calls, seeded.
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "abi/syscall_probe.inc"
#include "abi/system_calls.h"
#include "sdk/log.h"
#include "sdk/memory.h"
#include "sdk/sync.h"
#include "sdk/thread.h"
#include "syscall-fuzzer/environment.h"

namespace astrata {

namespace {

using probe::ArgumentKind;
using probe::SystemCall;

constexpr unsigned thread_count = 3;
constexpr unsigned calls_per_thread = 40'000;

constexpr std::array<std::uint64_t, 24> edges{0,
                                              1,
                                              2,
                                              8,
                                              63,
                                              64,
                                              4095,
                                              4096,
                                              4097,
                                              0x10000,
                                              0x7fff'ffff,
                                              0x8000'0000,
                                              0xffff'ffff,
                                              0x1'0000'0000,
                                              0x7fff'ffff'f000,
                                              0x8000'0000'0000,
                                              0xffff'7fff'ffff'f000,
                                              0xffff'8000'0000'0000,
                                              0xffff'ffff'8000'0000,
                                              0x7fff'ffff'ffff'ffff,
                                              0x8000'0000'0000'0000,
                                              0xffff'ffff'ffff'f000,
                                              0xffff'ffff'ffff'fff8,
                                              ~std::uint64_t{0}};

// Calls that would end or stop this process or thread as they should.
bool is_left_out(SystemCall const& call) {
    return call.is_ending || call.name == "process_kill" || call.name == "process_set_fault_recovery" ||
           call.name == "restricted_enter";
}

// Their results are lost, and with them memory, so they are made seldom.
bool is_making(SystemCall const& call) {
    return call.name.ends_with("_create") || call.name.ends_with("_clone") || call.name == "handle_duplicate" ||
           call.name == "memory_object_create_paged" || call.name == "endpoint_mint";
}

// What all threads take handles from, and lose them to each other.
class Pool {
public:
    void put(std::uint64_t random, abi::Handle handle) {
        sdk::MutexLock lock(mutex_);
        auto& place = handles_[random % handles_.size()];
        if (place != 0)
            (void)sys::handle_close(place);
        place = handle;
    }
    abi::Handle pick(std::uint64_t random) {
        sdk::MutexLock lock(mutex_);
        return handles_[random % handles_.size()];
    }

private:
    sdk::Mutex mutex_;
    std::array<abi::Handle, 48> handles_ GUARDED_BY(mutex_){};
};

class Fuzzer {
public:
    Fuzzer(Pool& pool, std::uint64_t page, std::uint64_t seed) : pool_(pool), page_(page), state_(seed) {}

    void run() {
        auto const calls = std::span(probe::system_calls);
        for (unsigned step = 0; step != calls_per_thread; ++step) {
            if (step % 16 == 0)
                refill();
            auto const& call = calls[next() % calls.size()];
            if (is_left_out(call) || (is_making(call) && next() % 32 != 0))
                continue;
            std::array<std::uint64_t, 6> raw{};
            for (std::size_t i = 0; i != raw.size(); ++i)
                raw[i] = value(call.arguments[i].kind);
            (void)call.call(raw);
        }
    }

private:
    std::uint64_t next() {  // xorshift
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return state_;
    }
    std::uint64_t value(ArgumentKind kind) {
        switch (kind) {
        // Not small numbers, which could name what the process itself lives on.
        case ArgumentKind::handle: return next() % 8 == 0 ? ~next() | 1U << 31 : pool_.pick(next());
        case ArgumentKind::in_pointer:
        // The page is one that nothing else lies on, and unmapped memory follows.
        case ArgumentKind::out_pointer: return next() % 4 == 0 ? edge() : page_ + next() % page_size;
        case ArgumentKind::length: return next() % 4 == 0 ? edge() : next() % page_size;
        case ArgumentKind::enumeration: return next() % 12;
        case ArgumentKind::flags: return next() % 4 == 0 ? edge() : next() % 64;
        case ArgumentKind::deadline: return next() % 64;  // long past, so that nothing waits
        case ArgumentKind::number32:
        case ArgumentKind::number: return number();
        case ArgumentKind::none: break;
        }
        return 0;
    }
    std::uint64_t number() {
        switch (next() % 4) {
        case 0: return edge();
        case 1: return next() % 256;
        case 2: return (next() % 64) << 12;
        default: return pool_.pick(next());
        }
    }
    std::uint64_t edge() { return edges[next() % edges.size()]; }

    // Calls throw their results away, so new objects come from here.
    void refill() {
        auto const made = [&]() -> Result<abi::Handle> {
            switch (next() % 9) {
            case 0: return sys::address_space_create();
            case 1: return sys::memory_object_create((next() % 16) << 10);
            case 2: return sys::endpoint_create();
            case 3: return sys::notification_create();
            case 4: return sys::wait_set_create();
            case 5: return sys::timer_create();
            case 6: return sys::log_create(page_size);
            default: return sys::handle_duplicate(pool_.pick(next()), static_cast<abi::Rights>(next() % 1024), next());
            }
        }();
        if (made)
            pool_.put(next(), *made);
    }

    Pool& pool_;
    std::uint64_t page_;
    std::uint64_t state_;
};

struct Job {
    Pool* pool = nullptr;
    std::uint64_t page = 0;
    std::uint64_t seed = 0;
    abi::Handle done = 0;
};

void run_job(void* argument) {
    auto const& job = *static_cast<Job*>(argument);
    Fuzzer(*job.pool, job.page, job.seed).run();
    (void)sys::notification_signal(job.done, 1);
}

}  // namespace

Result<> strate_main(syscall_fuzzer::Environment& environment) {
    constexpr std::uint64_t gap = 1 << 20;
    Pool pool;
    pool.put(0, TRY(sys::handle_duplicate(environment.silo.get(), abi::Rights::inspect | abi::Rights::duplicate, 0)));
    pool.put(1, TRY(sys::handle_duplicate(environment.thread.get(), abi::Rights::manage | abi::Rights::inspect, 0)));
    std::array<Job, thread_count> jobs;
    std::array<sdk::Mapping, thread_count> pages;
    for (unsigned i = 0; i != thread_count; ++i) {
        pages[i] = TRY(sdk::Mapping::map_anonymous(page_size + gap));
        TRY(sys::address_space_unmap(environment.home.get(), pages[i].address() + page_size, gap));
        jobs[i] = {
            .pool = &pool,
            .page = pages[i].address(),
            .seed = 88'172'645'463'325'252ULL + i,
            .done = TRY(sys::notification_create())
        };
        TRY(sdk::Thread::spawn(run_job, &jobs[i], "fuzzer"));
    }
    for (auto const& job : jobs) {
        // The calls kick this thread too.
        auto waited = sys::object_wait(job.done, never);
        while (!waited && waited.error() == Error::interrupted)
            waited = sys::object_wait(job.done, never);
        TRY(waited);
    }
    sdk::log("syscall-fuzzer: ", thread_count * calls_per_thread, " random calls");
    return {};
}

}  // namespace astrata
