#include "strates/linux/filesystems/sys/sys_tree.h"

#include <array>

#include "strates/linux/filesystems/sys/node_entries.h"
#include "strates/linux/process/system_information.h"

namespace astrata::linux_abi {

namespace {

void make_online_cpus(TextBuffer& text) {
    text.put_bit_list(online_cpu_mask()).put('\n');
}
void make_possible_cpus(TextBuffer& text) {
    text.put_bit_list(possible_cpu_mask()).put('\n');
}

constexpr std::array cpu_entries = {
    StaticEntry{.name = "online", .generate = make_online_cpus},
    StaticEntry{.name = "possible", .generate = make_possible_cpus},
    StaticEntry{.name = "present", .generate = make_online_cpus},
};
constexpr std::array system_entries = {
    StaticEntry{.name = "cpu", .children = cpu_entries},
    StaticEntry{.name = "node", .list_children = list_node_folder},
};
constexpr std::array device_entries = {
    StaticEntry{.name = "system", .children = system_entries},
};
constexpr std::array entries = {
    StaticEntry{.name = "block"},
    StaticEntry{.name = "class"},
    StaticEntry{.name = "devices", .children = device_entries},
    StaticEntry{.name = "fs"},
    StaticEntry{.name = "kernel"},
};
constexpr StaticEntry root = {.children = entries};

}  // namespace

StaticEntry const& sys_tree() {
    return root;
}

}  // namespace astrata::linux_abi
