#include "strates/linux/filesystems/overlay/strate_lower.h"

#include <algorithm>
#include <optional>

#include "abi/file_system.h"
#include "strates/linux/core/wait.h"

namespace astrata::linux_abi {

namespace {

std::optional<FileType> to_file_type(abi::NodeKind kind) {
    switch (kind) {
    case abi::NodeKind::file: return FileType::regular;
    case abi::NodeKind::directory: return FileType::directory;
    case abi::NodeKind::symbolic_link: return FileType::symbolic_link;
    case abi::NodeKind::character_device: return FileType::character_device;
    case abi::NodeKind::block_device: return FileType::block_device;
    case abi::NodeKind::fifo: return FileType::fifo;
    case abi::NodeKind::socket: return FileType::socket;
    }
    return std::nullopt;
}

LinuxResult<Attributes> to_attributes(abi::NodeAttributes const& from) {
    auto const type = to_file_type(from.kind);
    if (!type)
        return fail(Errno::eio);
    return Attributes{
        .node = from.node,
        .size = from.size,
        .blocks_512 = from.blocks_512,
        .mode = (from.mode & mode_bit::all) | static_cast<std::uint32_t>(*type),
        .uid = from.uid,
        .gid = from.gid,
        .links = from.links,
        .device = from.device,
        .accessed_ns = from.accessed_ns,
        .modified_ns = from.modified_ns,
        .changed_ns = from.changed_ns,
        .created_ns = from.created_ns,
    };
}

// The strate's answer in Linux's terms. Calls that a kick interrupted are repeated: file operations are not
// interruptible.
template <typename Call>
auto ask(Call call) {
    return to_linux(retry_interrupted(call));
}

LinuxResult<std::size_t> copy_value(Bytes value, MutableBytes into) {
    if (into.empty())
        return value.size();
    if (value.size() > into.size())
        return fail(Errno::erange);
    std::ranges::copy(value, into.begin());
    return value.size();
}

constexpr std::uint64_t magic_of(std::string_view kind) {
    if (kind == "ext4" || kind == "ext3" || kind == "ext2")
        return 0xef53;  // EXT4_SUPER_MAGIC, statfs(2)
    return 0x858458f6;  // RAMFS_MAGIC
}

}  // namespace

LinuxResult<std::uint64_t> StrateLower::root() {
    abi::FileSystemClient const client(endpoint_.get());
    return ask([&] { return client.root(); });
}

LinuxResult<Attributes> StrateLower::lookup(std::uint64_t directory, std::string_view name) {
    abi::FileSystemClient const client(endpoint_.get());
    return to_attributes(LTRY(ask([&] { return client.lookup(directory, name); })));
}

LinuxResult<Attributes> StrateLower::attributes(std::uint64_t node) {
    abi::FileSystemClient const client(endpoint_.get());
    return to_attributes(LTRY(ask([&] { return client.attributes(node); })));
}

LinuxResult<bool> StrateLower::read_directory(std::uint64_t directory, std::uint64_t cursor, LowerEntrySink& sink) {
    abi::FileSystemClient const client(endpoint_.get());
    auto const batch = LTRY(ask([&] { return client.read_directory(directory, cursor); }));
    ByteReader reader(batch.view());
    bool has_entries = false;
    while (reader.remaining() != 0) {
        auto const node = reader.read<le64>();
        auto const next = reader.read<le64>();
        auto const kind = reader.read<std::uint8_t>();
        auto const length = reader.read<std::uint8_t>();
        if (!node || !next || !kind || !length)
            return fail(Errno::eio);
        auto const name = reader.take(*length);
        auto const type = to_file_type(static_cast<abi::NodeKind>(*kind));
        if (!name || !type)
            return fail(Errno::eio);
        has_entries = true;
        if (!sink.add(as_text(*name), *node, *type, *next))
            break;
    }
    return has_entries;
}

LinuxResult<std::size_t> StrateLower::read_link(std::uint64_t node, std::span<char> into) {
    abi::FileSystemClient const client(endpoint_.get());
    auto const target = LTRY(ask([&] { return client.read_link(node); }));
    auto const length = std::min(target.view().size(), into.size());
    std::ranges::copy(target.view().substr(0, length), into.begin());
    return length;
}

LinuxResult<LowerContents> StrateLower::open(std::uint64_t node) {
    abi::FileSystemClient const client(endpoint_.get());
    auto opened = LTRY(ask([&] { return client.open(node); }));
    return LowerContents{.object = opened.contents.release(), .size = opened.size};
}

LinuxResult<FileSystemStatistics> StrateLower::statistics() {
    abi::FileSystemClient const client(endpoint_.get());
    auto const from = LTRY(ask([&] { return client.statistics(); }));
    return FileSystemStatistics{
        .magic = magic_of(from.kind.view()),
        .block_size = from.block_size,
        .blocks = from.blocks,
        .blocks_free = from.blocks_free,
        .blocks_available = from.blocks_available,
        .nodes = from.nodes,
        .nodes_free = from.nodes_free,
        .name_limit = from.name_limit,
    };
}

LinuxResult<std::size_t> StrateLower::get_extended_attribute(std::uint64_t node, std::string_view name,
                                                             MutableBytes into) {
    abi::FileSystemClient const client(endpoint_.get());
    auto const value = ask([&] { return client.get_extended_attribute(node, name); });
    if (!value)
        return fail(value.error() == Errno::enoent ? Errno::enodata : value.error());
    return copy_value(value->view(), into);
}

LinuxResult<std::size_t> StrateLower::list_extended_attributes(std::uint64_t node, MutableBytes into) {
    abi::FileSystemClient const client(endpoint_.get());
    auto const names = ask([&] { return client.list_extended_attributes(node); });
    if (!names) {
        if (names.error() == Errno::eopnotsupp)
            return std::size_t{0};
        return fail(names.error());
    }
    return copy_value(names->view(), into);
}

}  // namespace astrata::linux_abi
