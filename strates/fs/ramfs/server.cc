#include "strates/fs/ramfs/server.h"

#include <algorithm>

namespace astrata::ramfs {

namespace {

constexpr std::size_t listing_bytes = 3900;  // of one read_directory reply

// Answers with a result that has a value or none.
template <typename Responder, typename T>
void answer(Responder& responder, Result<T> const& result) {
    if (!result)
        return responder.fail(result.error());
    if constexpr (std::is_void_v<T>)
        responder.reply();
    else
        responder.reply(*result);
}

}  // namespace

void RamfsServer::root(sdk::Caller const&, RootRequest const&, RootResponder responder) {
    responder.reply(Tree::root);
}

void RamfsServer::statistics(sdk::Caller const&, StatisticsRequest const&, StatisticsResponder responder) {
    auto const silo = sys::silo_info(silo_);
    if (!silo)
        return responder.fail(silo.error());
    // What the silo may use is the size of the disk; without a limit it is as large as what it holds.
    auto const total = std::max(silo->memory_limit, silo->memory_used);
    auto const free = (total - silo->memory_used) / block_size;
    responder.reply({.block_size = block_size,
                     .flags = abi::FileSystemFlags::none,
                     .name_limit = name_limit,
                     .blocks = total / block_size,
                     .blocks_free = free,
                     .blocks_available = free,
                     .nodes = tree_.node_count(),
                     .kind = abi::Text<16>::from("ramfs")});
}

void RamfsServer::lookup(sdk::Caller const&, LookupRequest const& request, LookupResponder responder) {
    answer(responder, tree_.lookup(request.directory, request.name));
}

void RamfsServer::attributes(sdk::Caller const&, AttributesRequest const& request, AttributesResponder responder) {
    answer(responder, tree_.attributes(request.node));
}

void RamfsServer::read_directory(sdk::Caller const&, ReadDirectoryRequest const& request,
                                 ReadDirectoryResponder responder) {
    std::array<std::byte, listing_bytes> entries;
    auto const used = tree_.read_directory(request.directory, request.cursor, entries);
    if (!used)
        return responder.fail(used.error());
    responder.reply(Bytes(entries).first(*used));
}

void RamfsServer::read_link(sdk::Caller const&, ReadLinkRequest const& request, ReadLinkResponder responder) {
    answer(responder, tree_.read_link(request.node));
}

void RamfsServer::open(sdk::Caller const&, OpenRequest const& request, OpenResponder responder) {
    auto opened = [&]() -> Result<std::pair<sdk::UniqueHandle, std::uint64_t>> {
        auto& contents = static_cast<MemoryContents&>(*TRY(tree_.open(request.node)));
        auto const* const object = TRY(contents.object());
        using enum abi::Rights;
        auto handle =
            TRY(object->duplicate(read | abi::Rights::write | map | execute | inspect | duplicate | transfer));
        auto const size = TRY(contents.size());
        return std::pair(std::move(handle), size);
    }();
    if (!opened)
        return responder.fail(opened.error());
    responder.reply(std::move(opened->first), opened->second);
}

void RamfsServer::get_extended_attribute(sdk::Caller const&, GetExtendedAttributeRequest const& request,
                                         GetExtendedAttributeResponder responder) {
    auto const node = tree_.attributes(request.node);
    responder.fail(node ? Error::not_found : node.error());
}

void RamfsServer::list_extended_attributes(sdk::Caller const&, ListExtendedAttributesRequest const& request,
                                           ListExtendedAttributesResponder responder) {
    if (auto const node = tree_.attributes(request.node); !node)
        return responder.fail(node.error());
    responder.reply(Bytes());
}

void RamfsServer::create(sdk::Caller const&, CreateRequest const& request, CreateResponder responder) {
    NewNode const meta{
        .kind = request.kind, .mode = request.mode, .uid = request.uid, .gid = request.gid, .device = request.device};
    answer(responder, tree_.create(request.directory, request.name, meta, wall_time()));
}

void RamfsServer::create_link(sdk::Caller const&, CreateLinkRequest const& request, CreateLinkResponder responder) {
    NewNode const meta{.mode = 0777, .uid = request.uid, .gid = request.gid};
    answer(responder, tree_.create_link(request.directory, request.name, request.target, meta, wall_time()));
}

void RamfsServer::link(sdk::Caller const&, LinkRequest const& request, LinkResponder responder) {
    answer(responder, tree_.link(request.node, request.directory, request.name, wall_time()));
}

void RamfsServer::remove(sdk::Caller const&, RemoveRequest const& request, RemoveResponder responder) {
    answer(responder, tree_.remove(request.directory, request.name, request.expect_directory != 0, wall_time()));
}

void RamfsServer::rename(sdk::Caller const&, RenameRequest const& request, RenameResponder responder) {
    answer(responder,
           tree_.rename(request.directory, request.name, request.new_directory, request.new_name, wall_time()));
}

void RamfsServer::set_attributes(sdk::Caller const&, SetAttributesRequest const& request,
                                 SetAttributesResponder responder) {
    answer(responder, tree_.set_attributes(request.node, request.mask, request.attributes, wall_time()));
}

void RamfsServer::write(sdk::Caller const&, WriteRequest const& request, WriteResponder responder) {
    answer(responder, tree_.write(request.node, request.offset, request.bytes, wall_time()));
}

void RamfsServer::sync(sdk::Caller const&, SyncRequest const&, SyncResponder responder) {
    responder.reply();
}

}  // namespace astrata::ramfs
