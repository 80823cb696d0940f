#include "strates/linux/filesystems/sys/node_entries.h"

#include <algorithm>
#include <array>
#include <utility>

#include "abi/system_calls.h"
#include "sdk/own.h"
#include "strates/linux/process/system_information.h"

namespace astrata::linux_abi {
namespace {

constexpr std::size_t node_limit = 16;

abi::NodeInfo node(std::size_t index) {
    return sys::node_info(sdk::own().silo, static_cast<std::uint32_t>(index)).value_or(abi::NodeInfo{});
}

std::uint64_t cpus_of(std::size_t index) {
    return node(index).cpus_online;
}

void put_amount(TextBuffer& text, std::size_t index, std::string_view name, std::uint64_t bytes) {
    text.put("Node ").put_decimal(index).put(' ').put(name).put_decimal(bytes / 1024).put(" kB\n");
}

template <std::size_t index>
void make_memory(TextBuffer& text) {
    auto const info = node(index);
    put_amount(text, index, "MemTotal:       ", info.memory_total);
    put_amount(text, index, "MemFree:        ", info.memory_free);
    put_amount(text, index, "MemUsed:        ", info.memory_total - std::min(info.memory_total, info.memory_free));
}
template <std::size_t index>
void make_list(TextBuffer& text) {
    text.put_bit_list(cpus_of(index)).put('\n');
}
template <std::size_t index>
void make_map(TextBuffer& text) {
    auto const mask = cpus_of(index);
    if (auto const high = mask >> 32; high != 0)
        text.put_hexadecimal(high, 8).put(',');
    text.put_hexadecimal(mask & 0xffff'ffff, 8).put('\n');
}
template <std::size_t index>
void make_distances(TextBuffer& text) {
    auto const info = node(index);
    for (std::size_t to = 0; to < count_nodes(); ++to)
        text.put(to > 0 ? " " : "").put_decimal((to < 8 ? info.distances : info.more_distances) >> to % 8 * 8 & 0xff);
    text.put('\n');
}

template <std::size_t index>
constexpr std::array files_of_node = {
    StaticEntry{.name = "cpulist", .generate = make_list<index>},
    StaticEntry{.name = "cpumap", .generate = make_map<index>},
    StaticEntry{.name = "distance", .generate = make_distances<index>},
    StaticEntry{.name = "meminfo", .generate = make_memory<index>},
};

void make_range(TextBuffer& text) {
    text.put_bit_list((std::uint64_t{1} << count_nodes()) - 1).put('\n');
}

constexpr std::array<std::string_view, node_limit> names = {"node0", "node1", "node2",  "node3",  "node4",  "node5",  "node6",  "node7",
                                                            "node8", "node9", "node10", "node11", "node12", "node13", "node14", "node15"};

constexpr std::size_t files_before = 2;
constexpr auto entries = []<std::size_t... index>(std::index_sequence<index...>) {
    return std::array{
        StaticEntry{.name = "online", .generate = make_range},
        StaticEntry{.name = "possible", .generate = make_range},
        StaticEntry{.name = names[index], .children = files_of_node<index>}...,
    };
}(std::make_index_sequence<node_limit>());

}  // namespace

std::span<StaticEntry const> list_node_folder() {
    return std::span(entries).first(files_before + std::min(count_nodes(), node_limit));
}

}  // namespace astrata::linux_abi
