#include "kernel/random/random.h"

#include <algorithm>
#include <cstring>

#include "arch/cpu.h"
#include "arch/hardware_random.h"
#include "kernel/sync/spin_lock.h"
#include "lib/crypto/chacha20.h"

namespace astrata::kernel {

namespace {

struct Generator {
    SpinLock<LockRank::random, IrqsOff> lock;
    crypto::ChaChaKey key GUARDED_BY(lock){};
    std::uint32_t reads GUARDED_BY(lock) = 0;
};
constinit Generator generator;

// Runs the key through the block function together with fresh material.
void stir(std::uint64_t value) REQUIRES(generator.lock) {
    auto const block = crypto::chacha20_block(
        generator.key, 0xffff'ffff, {static_cast<std::uint32_t>(value), static_cast<std::uint32_t>(value >> 32), 0});
    std::copy_n(block.begin(), generator.key.size(), generator.key.begin());
}

// Before the first use, and again every so often.
void reseed() REQUIRES(generator.lock) {
    for (int i = 0; i < 4; ++i) {
        std::uint64_t value = 0;
        if (arch::read_hardware_random(value))
            stir(value);
        stir(arch::timestamp());
    }
    stir(arch::this_cpu().interrupt_timing);
}

}  // namespace

void add_entropy(std::span<std::byte const> seed) {
    LockGuard guard(generator.lock);
    while (!seed.empty()) {
        std::uint64_t value = 0;
        auto const count = std::min(seed.size(), sizeof(value));
        std::memcpy(&value, seed.data(), count);
        stir(value);
        seed = seed.subspan(count);
    }
    reseed();
}

// Bernstein, Fast-key-erasure random-number generators (2017): each read takes a fresh key and erases the old one, so that what
// was read before cannot be computed from what is in memory afterwards.
void fill_random(std::span<std::byte> into) {
    crypto::ChaChaKey fresh;
    {
        LockGuard guard(generator.lock);
        if (generator.reads++ % 1024 == 0)
            reseed();
        auto const block = crypto::chacha20_block(generator.key, 0, {});
        std::ranges::copy(std::span(block).first<8>(), generator.key.begin());
        std::ranges::copy(std::span(block).last<8>(), fresh.begin());
    }
    // What is left of the block is enough for most; else it is the key of the rest.
    if (into.size() <= sizeof(fresh)) {
        std::memcpy(into.data(), fresh.data(), into.size());
        into = {};
    }
    for (std::uint32_t counter = 0; !into.empty(); ++counter) {
        auto const block = crypto::chacha20_block(fresh, counter, {});
        auto const count = std::min(into.size(), sizeof(block));
        std::memcpy(into.data(), block.data(), count);
        into = into.subspan(count);
    }
    std::ranges::fill(fresh, 0U);
    asm volatile("" ::"r"(fresh.data()) : "memory");   // the erasure must not be optimised away
}

}  // namespace astrata::kernel
