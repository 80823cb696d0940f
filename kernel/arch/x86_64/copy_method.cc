#include "arch/copy_method.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <span>

#include "arch/cpu.h"
#include "arch/user_copy.h"
#include "kernel/arch/x86_64/features.h"

namespace astrata::kernel::arch {

constinit CopyMethod astrata_copy_method = CopyMethod::unrolled_words;

namespace {

constexpr int rounds = 16;  // emulators are slow at first, and something may interrupt
using Sample = std::array<std::byte, 1024>;

struct Candidate {
    CopyMethod method;
    std::uint64_t shortest = std::numeric_limits<std::uint64_t>::max();
};

void time_once(Candidate& candidate, Sample& to, Sample const& from) {
    astrata_copy_method = candidate.method;
    auto const start = timestamp();
    if (copy_user(to.data(), from.data(), from.size()))
        candidate.shortest = std::min(candidate.shortest, timestamp() - start);
}

}  // namespace

void choose_copy_method(std::string_view command_line) {
    if (auto const named = astrata::copy_method(command_line)) {
        astrata_copy_method = *named;
        return;
    }
    Sample to;
    Sample from{};
    std::array candidates{Candidate{CopyMethod::unrolled_words}, Candidate{CopyMethod::string_words},
                          Candidate{CopyMethod::string_bytes}};
    auto const usable = std::span(candidates).first(features.has_fast_movsb ? 3 : 2);
    for (int round = 0; round < rounds; ++round) {
        for (auto& candidate : usable)
            time_once(candidate, to, from);
    }
    astrata_copy_method = std::ranges::min(usable, {}, &Candidate::shortest).method;
}

}  // namespace astrata::kernel::arch
