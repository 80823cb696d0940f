#include "strates/linux/exec/machine.h"

namespace astrata::linux_abi {

MachineFacts machine_facts() {
    // A bit for each extension's letter: what every processor has that this system is built for.
    constexpr auto letter = [](char name) { return std::uint64_t{1} << (name - 'a'); };
    return {.capabilities = letter('i') | letter('m') | letter('a') | letter('f') | letter('d') | letter('c')};
}

}  // namespace astrata::linux_abi
