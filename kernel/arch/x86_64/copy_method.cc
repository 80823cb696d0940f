#include "arch/copy_method.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>

#include "arch/cpu.h"
#include "arch/user_copy.h"
#include "kernel/arch/x86_64/features.h"

namespace astrata::kernel::arch {

constinit CopyMethod astrata_copy_method = CopyMethod::unrolled_words;

namespace {

constexpr int rounds = 8;  // enough for one that nothing interrupts
using Sample = std::array<std::byte, 1024>;

std::uint64_t shortest_copy(CopyMethod method, Sample& to, Sample const& from) {
    astrata_copy_method = method;
    auto shortest = std::numeric_limits<std::uint64_t>::max();
    for (int round = 0; round < rounds; ++round) {
        auto const start = timestamp();
        if (copy_user(to.data(), from.data(), from.size()))
            shortest = std::min(shortest, timestamp() - start);
    }
    return shortest;
}

}  // namespace

void choose_copy_method(std::string_view command_line) {
    if (auto const named = astrata::copy_method(command_line)) {
        astrata_copy_method = *named;
        return;
    }
    Sample to;
    Sample from{};
    auto best = CopyMethod::unrolled_words;
    auto least = shortest_copy(best, to, from);
    auto const consider = [&](CopyMethod method) {
        auto const ticks = shortest_copy(method, to, from);
        if (ticks < least) {
            least = ticks;
            best = method;
        }
    };
    consider(CopyMethod::string_words);
    if (features.has_fast_movsb)
        consider(CopyMethod::string_bytes);
    astrata_copy_method = best;
}

}  // namespace astrata::kernel::arch
