#include "strates/linux/filesystems/sys/sys_tree.h"

#include <array>

#include "strates/linux/filesystems/sys/node_entries.h"
#include "strates/linux/process/system_information.h"

namespace astrata::linux_abi {

namespace {

void make_cpu_range(TextBuffer& text) {
    text.put('0');
    if (online_cpus() > 1)
        text.put('-').put_decimal(online_cpus() - 1);
    text.put('\n');
}

constexpr std::array cpu_entries = {
    StaticEntry{.name = "online", .generate = make_cpu_range},
    StaticEntry{.name = "possible", .generate = make_cpu_range},
    StaticEntry{.name = "present", .generate = make_cpu_range},
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
