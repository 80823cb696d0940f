#include "strates/fs/ext4/server.h"

#include <utility>

#include "lib/async/spawn.h"
#include "sdk/heap.h"

namespace astrata::ext4_strate {
namespace {

// Runs `task` and answers with what comes of it, now or when the disk has delivered.
template <typename Responder, typename T, typename Reply>
void answer(Responder responder, async::Task<Result<T>> task, Reply reply) {
    async::spawn(std::move(task), [responder = std::move(responder), reply](Result<T> result) mutable {
        if (result)
            reply(responder, *result);
        else
            responder.fail(result.error());
    });
}

// Replies with the value itself.
constexpr auto with_value = [](auto& responder, auto const& value) { responder.reply(value); };

async::Task<Result<ext4::Inode>> read_node(ext4::Volume& volume, std::uint64_t node) {
    auto const number = CO_TRY(to_inode_number(volume.superblock(), node));
    co_return co_await volume.read_inode(number);
}

}  // namespace

void FileServer::root(sdk::Caller const&, RootRequest const&, RootResponder responder) {
    answer(std::move(responder), find_root(), with_value);
}

async::Task<Result<std::uint64_t>> FileServer::find_root() {
    CO_TRY(co_await mounted_.get());
    co_return std::uint64_t{ext4::root_inode};
}

void FileServer::statistics(sdk::Caller const&, StatisticsRequest const&, StatisticsResponder responder) {
    answer(std::move(responder), find_statistics(), with_value);
}

async::Task<Result<abi::FileSystemStatistics>> FileServer::find_statistics() {
    auto* const volume = CO_TRY(co_await mounted_.get());
    auto const statistics = CO_TRY(co_await volume->statistics());
    co_return to_statistics(volume->superblock(), statistics);
}

void FileServer::lookup(sdk::Caller const&, LookupRequest const& request, LookupResponder responder) {
    answer(std::move(responder), find_entry(request.directory, Name::from(request.name)), with_value);
}

async::Task<Result<abi::NodeAttributes>> FileServer::find_entry(std::uint64_t directory, Name name) {
    auto* const volume = CO_TRY(co_await mounted_.get());
    auto const parent = CO_TRY(co_await read_node(*volume, directory));
    auto const number = CO_TRY(co_await volume->lookup(parent, name.view()));
    co_return to_attributes(CO_TRY(co_await read_node(*volume, number)));
}

void FileServer::attributes(sdk::Caller const&, AttributesRequest const& request, AttributesResponder responder) {
    answer(std::move(responder), find_attributes(request.node), with_value);
}

async::Task<Result<abi::NodeAttributes>> FileServer::find_attributes(std::uint64_t node) {
    auto* const volume = CO_TRY(co_await mounted_.get());
    co_return to_attributes(CO_TRY(co_await read_node(*volume, node)));
}

void FileServer::read_directory(sdk::Caller const&, ReadDirectoryRequest const& request,
                                ReadDirectoryResponder responder) {
    answer(std::move(responder), list(request.directory, request.cursor),
           [](auto& pending, auto const& listing) { pending.reply(listing->bytes()); });
}

async::Task<Result<std::unique_ptr<ListingPacker>>> FileServer::list(std::uint64_t directory, std::uint64_t cursor) {
    auto* const volume = CO_TRY(co_await mounted_.get());
    auto const inode = CO_TRY(co_await read_node(*volume, directory));
    auto packer = CO_TRY(sdk::make<ListingPacker>());
    CO_TRY(co_await volume->read_directory(inode, cursor, *packer));
    // File systems of the oldest kind do not say in the directory what an entry is.
    for (auto unknown = packer->find_unknown(0); unknown; unknown = packer->find_unknown(unknown->position)) {
        auto const entry = co_await volume->read_inode(unknown->inode);
        packer->set_kind(unknown->position, entry ? to_kind(entry->type) : abi::NodeKind::file);
    }
    co_return std::move(packer);
}

void FileServer::read_link(sdk::Caller const&, ReadLinkRequest const& request, ReadLinkResponder responder) {
    answer(std::move(responder), find_target(request.node),
           [](auto& pending, auto const& target) { pending.reply(as_text(target->used())); });
}

async::Task<Result<std::unique_ptr<FileServer::Block>>> FileServer::find_target(std::uint64_t node) {
    auto* const volume = CO_TRY(co_await mounted_.get());
    auto const inode = CO_TRY(co_await read_node(*volume, node));
    auto target = CO_TRY(sdk::make<Block>());
    target->size = CO_TRY(co_await volume->read_link(inode, target->bytes));
    co_return std::move(target);
}

void FileServer::open(sdk::Caller const&, OpenRequest const& request, OpenResponder responder) {
    answer(std::move(responder), open_contents(request.node),
           [](auto& pending, Opened& opened) { pending.reply(std::move(opened.contents), opened.size); });
}

async::Task<Result<FileServer::Opened>> FileServer::open_contents(std::uint64_t node) {
    auto* const volume = CO_TRY(co_await mounted_.get());
    auto const number = CO_TRY(to_inode_number(volume->superblock(), node));
    auto const file = CO_TRY(co_await cache_.find(*volume, number));
    co_return Opened{.contents = CO_TRY(cache_.open(*file)), .size = file->inode.size};
}

void FileServer::get_extended_attribute(sdk::Caller const&, GetExtendedAttributeRequest const& request,
                                        GetExtendedAttributeResponder responder) {
    answer(std::move(responder), find_value(request.node, Name::from(request.name)),
           [](auto& pending, auto const& value) { pending.reply(value->used()); });
}

async::Task<Result<std::unique_ptr<FileServer::Block>>> FileServer::find_value(std::uint64_t node, Name name) {
    auto* const volume = CO_TRY(co_await mounted_.get());
    auto const inode = CO_TRY(co_await read_node(*volume, node));
    auto value = CO_TRY(sdk::make<Block>());
    auto const size = co_await volume->get_attribute(inode, name.view(), value->bytes);
    // Larger values exist, but no message carries them.
    if (!size)
        co_return fail(size.error() == Error::out_of_range ? Error::message_too_large : size.error());
    value->size = *size;
    co_return std::move(value);
}

void FileServer::list_extended_attributes(sdk::Caller const&, ListExtendedAttributesRequest const& request,
                                          ListExtendedAttributesResponder responder) {
    answer(std::move(responder), list_names(request.node),
           [](auto& pending, auto const& names) { pending.reply(names->bytes()); });
}

async::Task<Result<std::unique_ptr<NamePacker>>> FileServer::list_names(std::uint64_t node) {
    auto* const volume = CO_TRY(co_await mounted_.get());
    auto const inode = CO_TRY(co_await read_node(*volume, node));
    auto packer = CO_TRY(sdk::make<NamePacker>());
    CO_TRY(co_await volume->list_attributes(inode, *packer));
    co_return std::move(packer);
}

void FileServer::create(sdk::Caller const&, CreateRequest const&, CreateResponder responder) {
    responder.fail(Error::read_only);
}

void FileServer::create_link(sdk::Caller const&, CreateLinkRequest const&, CreateLinkResponder responder) {
    responder.fail(Error::read_only);
}

void FileServer::link(sdk::Caller const&, LinkRequest const&, LinkResponder responder) {
    responder.fail(Error::read_only);
}

void FileServer::remove(sdk::Caller const&, RemoveRequest const&, RemoveResponder responder) {
    responder.fail(Error::read_only);
}

void FileServer::rename(sdk::Caller const&, RenameRequest const&, RenameResponder responder) {
    responder.fail(Error::read_only);
}

void FileServer::set_attributes(sdk::Caller const&, SetAttributesRequest const&, SetAttributesResponder responder) {
    responder.fail(Error::read_only);
}

void FileServer::write(sdk::Caller const&, WriteRequest const&, WriteResponder responder) {
    responder.fail(Error::read_only);
}

void FileServer::sync(sdk::Caller const&, SyncRequest const&, SyncResponder responder) {
    responder.reply();
}

}  // namespace astrata::ext4_strate
