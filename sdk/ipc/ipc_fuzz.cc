// Any bytes as a request, and as a reply: generated servers and clients accept or refuse them, and nothing else.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "abi/file_system.h"
#include "abi/silo_manager.h"
#include "abi/vdso_unsupported.h"
#include "lib/base/bytes.h"

namespace astrata {
namespace {

/// Answers everything with what it was sent.
class Files final : public abi::FileSystemServer {
    void root(sdk::Caller const&, RootRequest const&, RootResponder r) override { r.reply(1); }
    void statistics(sdk::Caller const&, StatisticsRequest const&, StatisticsResponder r) override { r.reply({}); }
    void lookup(sdk::Caller const&, LookupRequest const& q, LookupResponder r) override {
        r.reply({.node = q.directory + q.name.size()});
    }
    void attributes(sdk::Caller const&, AttributesRequest const& q, AttributesResponder r) override {
        r.reply({.node = q.node});
    }
    void read_directory(sdk::Caller const&, ReadDirectoryRequest const&, ReadDirectoryResponder r) override {
        r.reply({});
    }
    void read_link(sdk::Caller const&, ReadLinkRequest const&, ReadLinkResponder r) override { r.reply("target"); }
    void open(sdk::Caller const&, OpenRequest const&, OpenResponder r) override { r.fail(Error::not_found); }
    void get_extended_attribute(sdk::Caller const&, GetExtendedAttributeRequest const& q,
                                GetExtendedAttributeResponder r) override {
        r.reply(as_bytes(q.name));
    }
    void list_extended_attributes(sdk::Caller const&, ListExtendedAttributesRequest const&,
                                  ListExtendedAttributesResponder r) override {
        r.reply({});
    }
    void create(sdk::Caller const&, CreateRequest const& q, CreateResponder r) override {
        r.reply({.kind = q.kind, .mode = q.mode});
    }
    void create_link(sdk::Caller const&, CreateLinkRequest const& q, CreateLinkResponder r) override {
        r.reply({.node = q.name.size() + q.target.size()});
    }
    void link(sdk::Caller const&, LinkRequest const&, LinkResponder r) override { r.reply(); }
    void remove(sdk::Caller const&, RemoveRequest const&, RemoveResponder r) override { r.reply(); }
    void rename(sdk::Caller const&, RenameRequest const& q, RenameResponder r) override {
        if (q.name == q.new_name)
            r.reply();
    }
    void set_attributes(sdk::Caller const&, SetAttributesRequest const&, SetAttributesResponder r) override {
        r.reply();
    }
    void write(sdk::Caller const&, WriteRequest const& q, WriteResponder r) override { r.reply(q.bytes.size()); }
    void sync(sdk::Caller const&, SyncRequest const&, SyncResponder r) override { r.reply(); }
};

Bytes input;  // what the loopback's other side says

std::uint64_t put_input(abi::Message& message, std::uint32_t label) {
    auto const count = std::min(input.size(), abi::message_byte_limit);
    message.info = abi::MessageInfo::make(label, count, label & 3);
    if (count <= abi::message_register_bytes)
        std::memcpy(message.words.data(), input.data(), count);
    else
        std::memcpy(sdk::thread_context().message_buffer->data.data(), input.data(), count);
    return 0;
}

}  // namespace
}  // namespace astrata

#pragma clang unsafe_buffer_usage begin  // the fuzzer's own interface
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace astrata;
    if (size < 2)
        return 0;
    input = std::as_bytes(std::span(data, size)).subspan(2);
    astrata_vdso.endpoint_reply = [](abi::Handle, abi::Message const*) -> std::uint64_t { return 0; };
    astrata_vdso.handle_close = [](std::uint64_t) -> std::uint64_t { return 0; };
    astrata_vdso.endpoint_call = [](abi::Handle, abi::Message* message, std::uint64_t) -> std::uint64_t {
        return put_input(*message, 0);
    };

    abi::Message message;
    (void)put_input(message, data[0]);
    message.reply = 1;
    Files files;
    sdk::IncomingMessage incoming(message, sdk::payload_of(message), 0);
    files.dispatch(incoming);

    abi::SiloManagerClient const manager(1);
    abi::FileSystemClient const client(1);
    switch (data[1] % 6) {
    case 0: (void)manager.instance(0); break;
    case 1: (void)manager.log("a", 0); break;
    case 2: (void)client.read_directory(1, 0); break;
    case 3: (void)client.statistics(); break;
    case 4: (void)client.open(1); break;
    default: (void)manager.scheme(0); break;
    }
    return 0;
}
#pragma clang unsafe_buffer_usage end
