// Generated clients against generated servers, in one process.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "abi/file_system.h"
#include "abi/silo_manager.h"
#include "abi/stream.h"
#include "sdk/testing/loopback.h"

namespace astrata {
namespace {

using sdk::testing::Loopback;

class EchoStream : public abi::StreamServer {
public:
    std::string written;
    bool answers = true;
    std::optional<ReadResponder> kept;

    void read(sdk::Caller const& caller, ReadRequest const& request, ReadResponder responder) override {
        last_badge = caller.badge;
        last_tag = caller.tag;
        if (!answers) {
            kept.emplace(std::move(responder));
            return;
        }
        responder.reply(as_bytes(std::string_view(written).substr(0, request.limit)));
    }
    void write(sdk::Caller const&, WriteRequest const& request, WriteResponder responder) override {
        // A call of the handler's own must not disturb the request.
        sdk::OutgoingCall clobber(1, 4000);
        std::vector<std::byte> const noise(4000, std::byte{0xee});
        clobber.put_bytes(0, noise);
        written = as_text(request.bytes);
        responder.reply();
    }
    void unread(sdk::Caller const&, UnreadRequest const&, UnreadResponder responder) override {
        responder.fail(Error::read_only);
    }
    void size(sdk::Caller const&, SizeRequest const&, SizeResponder responder) override { responder.reply(80, 25); }

    std::uint64_t last_badge = 0;
    std::uint64_t last_tag = 0;
};

struct Ipc : testing::Test {
    Loopback loopback;
    EchoStream server;
    abi::StreamClient client{3};
    Ipc() { loopback.serve(3, server); }
};

TEST_F(Ipc, carries_small_and_large_payloads) {
    for (std::size_t const length : {0, 1, 60, 61, 64, 65, 4000}) {
        std::string const text(length, 'x');
        ASSERT_TRUE(client.write(as_bytes(text)));
        EXPECT_EQ(server.written, text);
        auto const read = client.read(4000);
        ASSERT_TRUE(read);
        EXPECT_EQ(as_text(read->view()), text);
    }
}

TEST_F(Ipc, tells_the_server_who_calls) {
    ASSERT_TRUE(client.read(1));
    EXPECT_EQ(server.last_badge, 30u);
    EXPECT_EQ(server.last_tag, 7u);
}

TEST_F(Ipc, returns_several_results_and_errors) {
    auto const size = client.size();
    ASSERT_TRUE(size);
    EXPECT_EQ(size->columns, 80u);
    EXPECT_EQ(size->rows, 25u);
    EXPECT_EQ(client.unread({}).error(), Error::read_only);
}

TEST_F(Ipc, refuses_what_is_too_long_before_sending) {
    std::string const text(4001, 'x');
    EXPECT_EQ(client.write(as_bytes(text)).error(), Error::message_too_large);
}

TEST_F(Ipc, cancels_what_a_server_does_not_answer) {
    server.answers = false;
    EXPECT_EQ(client.read(1).error(), Error::peer_closed);  // kept: the loopback cannot wait
    server.kept.reset();
    sdk::OutgoingCall call(9, 0);
    EXPECT_EQ(call.send(3, never).error(), Error::bad_message);  // no such method
}

TEST_F(Ipc, retries_idempotent_calls_only) {
    loopback.fail_calls(3);
    EXPECT_TRUE(client.size());
    EXPECT_EQ(loopback.sleeps, 3u);
    loopback.fail_calls(1);
    EXPECT_EQ(client.write({}).error(), Error::peer_closed);
    loopback.fail_calls(1000);
    EXPECT_EQ(client.size().error(), Error::peer_closed);
    EXPECT_LT(loopback.sleeps, 50u);
}

TEST_F(Ipc, refuses_malformed_requests) {
    struct {
        std::size_t size;
        std::uint32_t claimed;
    } const cases[] = {{0, 0}, {3, 0}, {4, 1}, {5, 0}, {5, 0xffffffff}, {100, 4001}, {4032, 4028}};
    for (auto const& bad : cases) {
        sdk::OutgoingCall call(2, bad.size);  // write(bytes<4000>)
        if (bad.size >= 4)
            call.put(0, bad.claimed);
        EXPECT_EQ(call.send(3, never).error(), Error::bad_message) << bad.size;
    }
    sdk::OutgoingCall call(4, 0);
    call.put_handle(55);  // size() takes no handle
    EXPECT_EQ(call.send(3, never).error(), Error::bad_message);
    EXPECT_EQ(loopback.closed.back(), 55u);
}

struct PersonalityStub : abi::PersonalityServer {
    abi::Handle parameters = 0;
    void start(sdk::Caller const&, StartRequest const& request, StartResponder responder) override {
        parameters = request.parameters.release();
        responder.reply(17);
    }
    void wait(sdk::Caller const&, WaitRequest const&, WaitResponder responder) override {
        responder.reply(abi::JobState::exited, 1, 2, 3);
    }
    void signal(sdk::Caller const&, SignalRequest const&, SignalResponder responder) override { responder.reply(); }
    void resume(sdk::Caller const&, ResumeRequest const&, ResumeResponder) override {}
    void resize(sdk::Caller const&, ResizeRequest const&, ResizeResponder responder) override { responder.reply(); }
    void process(sdk::Caller const&, ProcessRequest const&, ProcessResponder responder) override {
        responder.reply({.pid = 1, .command = abi::Text<128>::from("sh")});
    }
    void trace(sdk::Caller const&, TraceRequest const&, TraceResponder responder) override { responder.reply(5, {}); }
};

TEST_F(Ipc, moves_handles_and_checks_their_kind) {
    PersonalityStub personality;
    loopback.serve(4, personality);
    abi::PersonalityClient linux_client(4);
    loopback.set_kind(100, abi::ObjectKind::memory_object);
    for (abi::Handle const stream : {101, 102, 103})
        loopback.set_kind(stream, abi::ObjectKind::endpoint);
    sdk::UniqueHandle parameters(100), input(101), output(102), error(103);
    auto const job =
        linux_client.start(std::move(parameters), 0, 0, 0, 0, std::move(input), std::move(output), std::move(error));
    ASSERT_TRUE(job);
    EXPECT_EQ(*job, 17u);
    EXPECT_EQ(personality.parameters, 100u);
    EXPECT_FALSE(parameters);
    EXPECT_FALSE(error);

    loopback.set_kind(100, abi::ObjectKind::silo);
    parameters = sdk::UniqueHandle(100), input = sdk::UniqueHandle(101), output = sdk::UniqueHandle(102),
    error = sdk::UniqueHandle(103);
    EXPECT_EQ(
        linux_client.start(std::move(parameters), 0, 0, 0, 0, std::move(input), std::move(output), std::move(error))
            .error(),
        Error::bad_message);

    auto const process = linux_client.process(0);
    ASSERT_TRUE(process);
    EXPECT_EQ(process->command.view(), "sh");
    EXPECT_EQ(linux_client.resume(1, 1).error(), Error::cancelled);
}

TEST_F(Ipc, keeps_handles_of_undelivered_calls) {
    abi::PersonalityClient nobody(99);
    sdk::UniqueHandle parameters(100), input(101), output(102), error(103);
    EXPECT_EQ(
        nobody.start(std::move(parameters), 0, 0, 0, 0, std::move(input), std::move(output), std::move(error)).error(),
        Error::bad_handle);
    EXPECT_EQ(parameters.get(), 100u);
}

TEST_F(Ipc, refuses_bad_enumerators) {
    struct : abi::FileSystemServer {
        void root(sdk::Caller const&, RootRequest const&, RootResponder r) override { r.reply(1); }
        void statistics(sdk::Caller const&, StatisticsRequest const&, StatisticsResponder r) override {
            r.reply({.flags = static_cast<abi::FileSystemFlags>(0x80)});
        }
        void lookup(sdk::Caller const&, LookupRequest const&, LookupResponder r) override { r.fail(Error::not_found); }
        void attributes(sdk::Caller const&, AttributesRequest const&, AttributesResponder) override {}
        void read_directory(sdk::Caller const&, ReadDirectoryRequest const&, ReadDirectoryResponder) override {}
        void read_link(sdk::Caller const&, ReadLinkRequest const&, ReadLinkResponder) override {}
        void open(sdk::Caller const&, OpenRequest const&, OpenResponder) override {}
        void get_extended_attribute(sdk::Caller const&, GetExtendedAttributeRequest const&,
                                    GetExtendedAttributeResponder) override {}
        void list_extended_attributes(sdk::Caller const&, ListExtendedAttributesRequest const&,
                                      ListExtendedAttributesResponder) override {}
        void create(sdk::Caller const&, CreateRequest const&, CreateResponder r) override { r.reply({}); }
        void create_link(sdk::Caller const&, CreateLinkRequest const&, CreateLinkResponder) override {}
        void link(sdk::Caller const&, LinkRequest const&, LinkResponder) override {}
        void remove(sdk::Caller const&, RemoveRequest const&, RemoveResponder) override {}
        void rename(sdk::Caller const&, RenameRequest const& request, RenameResponder r) override {
            seen = std::string(request.name) + ">" + std::string(request.new_name);
            r.reply();
        }
        void set_attributes(sdk::Caller const&, SetAttributesRequest const&, SetAttributesResponder r) override {
            r.reply();
        }
        void write(sdk::Caller const&, WriteRequest const&, WriteResponder) override {}
        void sync(sdk::Caller const&, SyncRequest const&, SyncResponder) override {}
        std::string seen;
    } file_system;
    loopback.serve(5, file_system);
    abi::FileSystemClient files(5);
    EXPECT_EQ(files.statistics().error(), Error::bad_message);
    EXPECT_EQ(files.create(1, "x", static_cast<abi::NodeKind>(99), 0, 0, 0, 0).error(), Error::bad_message);
    EXPECT_EQ(files.set_attributes(1, static_cast<abi::AttributeMask>(1 << 20), {}).error(), Error::bad_message);
    EXPECT_EQ(files.set_attributes(1, {}, {.kind = static_cast<abi::NodeKind>(99)}).error(), Error::bad_message);
    EXPECT_TRUE(files.rename(1, "old", 2, "new name"));
    EXPECT_EQ(file_system.seen, "old>new name");
}

}  // namespace
}  // namespace astrata
