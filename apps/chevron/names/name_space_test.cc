#include "apps/chevron/names/name_space.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "sdk/testing/loopback.h"

namespace astrata::chevron {
namespace {

// A file system of made-up nodes: what is not overridden is not supported.
class TestFileSystem : public abi::FileSystemServer {
public:
    struct Node {
        abi::NodeKind kind = abi::NodeKind::directory;
        std::map<std::string, std::uint64_t> entries;
        std::string target;
    };

    std::uint64_t add(std::uint64_t parent, std::string const& name, abi::NodeKind kind,
                      std::string const& target = "") {
        auto const number = nodes.size() + 1;
        nodes[number] = {.kind = kind, .target = target};
        nodes[parent].entries[name] = number;
        return number;
    }
    abi::NodeAttributes attributes_of(std::uint64_t number) {
        return {.node = number, .kind = nodes[number].kind, .mode = 0755};
    }

    void root(sdk::Caller const&, RootRequest const&, RootResponder responder) override { responder.reply(1); }
    void lookup(sdk::Caller const&, LookupRequest const& request, LookupResponder responder) override {
        auto const& entries = nodes[request.directory].entries;
        auto const found = entries.find(std::string(request.name));
        if (found == entries.end())
            return responder.fail(Error::not_found);
        responder.reply(attributes_of(found->second));
    }
    void attributes(sdk::Caller const&, AttributesRequest const& request, AttributesResponder responder) override {
        responder.reply(attributes_of(request.node));
    }
    void read_directory(sdk::Caller const&, ReadDirectoryRequest const& request,
                        ReadDirectoryResponder responder) override {
        // One entry for each call, so that cursors matter.
        std::string packed;
        std::uint64_t position = 0;
        for (auto const& [name, number] : nodes[request.directory].entries) {
            if (position++ != request.cursor)
                continue;
            packed.append(reinterpret_cast<char const*>(&number), 8)
                .append(reinterpret_cast<char const*>(&position), 8);
            packed += static_cast<char>(nodes[number].kind);
            packed += static_cast<char>(name.size());
            packed += name;
        }
        responder.reply(as_bytes(packed));
    }
    void read_link(sdk::Caller const&, ReadLinkRequest const& request, ReadLinkResponder responder) override {
        responder.reply(nodes[request.node].target);
    }
    void statistics(sdk::Caller const&, StatisticsRequest const&, StatisticsResponder r) override {
        r.fail(Error::not_supported);
    }
    void open(sdk::Caller const&, OpenRequest const&, OpenResponder r) override { r.fail(Error::not_supported); }
    void get_extended_attribute(sdk::Caller const&, GetExtendedAttributeRequest const&,
                                GetExtendedAttributeResponder r) override {
        r.fail(Error::not_supported);
    }
    void list_extended_attributes(sdk::Caller const&, ListExtendedAttributesRequest const&,
                                  ListExtendedAttributesResponder r) override {
        r.fail(Error::not_supported);
    }
    void create(sdk::Caller const&, CreateRequest const&, CreateResponder r) override { r.fail(Error::not_supported); }
    void create_link(sdk::Caller const&, CreateLinkRequest const&, CreateLinkResponder r) override {
        r.fail(Error::not_supported);
    }
    void link(sdk::Caller const&, LinkRequest const&, LinkResponder r) override { r.fail(Error::not_supported); }
    void remove(sdk::Caller const&, RemoveRequest const&, RemoveResponder r) override { r.fail(Error::not_supported); }
    void rename(sdk::Caller const&, RenameRequest const&, RenameResponder r) override { r.fail(Error::not_supported); }
    void set_attributes(sdk::Caller const&, SetAttributesRequest const&, SetAttributesResponder r) override {
        r.fail(Error::not_supported);
    }
    void write(sdk::Caller const&, WriteRequest const&, WriteResponder r) override { r.fail(Error::not_supported); }
    void sync(sdk::Caller const&, SyncRequest const&, SyncResponder r) override { r.fail(Error::not_supported); }

    std::map<std::uint64_t, Node> nodes = {{1, {}}};
};

class TestManager : public abi::SiloManagerServer {
public:
    struct Scheme {
        std::string name;
        std::string interface;
        abi::Handle endpoint;
    };
    std::vector<Scheme> schemes;

    void scheme(sdk::Caller const&, SchemeRequest const& request, SchemeResponder responder) override {
        if (request.position >= schemes.size())
            return responder.fail(Error::not_found);
        auto const& found = schemes[request.position];
        abi::SchemeInfo info;
        info.scheme = abi::Text<32>::from(found.name);
        info.interface = abi::Text<32>::from(found.interface);
        responder.reply(info);
    }
    void connect(sdk::Caller const&, ConnectRequest const& request, ConnectResponder responder) override {
        for (auto const& scheme : schemes) {
            if (scheme.name == request.scheme)
                return responder.reply(sdk::UniqueHandle(scheme.endpoint));
        }
        responder.fail(Error::not_found);
    }
    void instance(sdk::Caller const&, InstanceRequest const&, InstanceResponder r) override {
        r.fail(Error::not_supported);
    }
    void find(sdk::Caller const&, FindRequest const&, FindResponder r) override { r.fail(Error::not_supported); }
    void start(sdk::Caller const&, StartRequest const&, StartResponder r) override { r.fail(Error::not_supported); }
    void stop(sdk::Caller const&, StopRequest const&, StopResponder r) override { r.fail(Error::not_supported); }
    void kill(sdk::Caller const&, KillRequest const&, KillResponder r) override { r.fail(Error::not_supported); }
    void restart(sdk::Caller const&, RestartRequest const&, RestartResponder r) override {
        r.fail(Error::not_supported);
    }
    void set_memory_limit(sdk::Caller const&, SetMemoryLimitRequest const&, SetMemoryLimitResponder r) override {
        r.fail(Error::not_supported);
    }
    void set_cpu_limits(sdk::Caller const&, SetCpuLimitsRequest const&, SetCpuLimitsResponder r) override {
        r.fail(Error::not_supported);
    }
    void log(sdk::Caller const&, LogRequest const&, LogResponder r) override { r.fail(Error::not_supported); }
    void create_linux_silo(sdk::Caller const&, CreateLinuxSiloRequest const&, CreateLinuxSiloResponder r) override {
        r.fail(Error::not_supported);
    }
};

class NameSpaceTest : public testing::Test {
protected:
    NameSpaceTest() {
        loopback.serve(5, manager);
        loopback.serve(10, main);
        loopback.serve(11, other);
        manager.schemes = {{"main", "FileSystem", 10}, {"other", "FileSystem", 11}, {"console", "Stream", 12}};
        auto const bin = main.add(1, "bin", abi::NodeKind::directory);
        main.add(bin, "sh", abi::NodeKind::file);
        main.add(bin, "dash", abi::NodeKind::symbolic_link, "sh");
        main.add(1, "sbin", abi::NodeKind::symbolic_link, "/bin");
        main.add(1, "loop", abi::NodeKind::symbolic_link, "loop");
        main.add(1, "up", abi::NodeKind::symbolic_link, "bin/../bin/.");
        other.add(1, "only-here", abi::NodeKind::file);
        other.add(1, "absolute", abi::NodeKind::symbolic_link, "/only-here");
        EXPECT_TRUE(names.mount("main", Path()));
    }
    // The canonical path, or the error.
    std::string find(std::string_view text, LastLink last = LastLink::follow) {
        Path path;
        EXPECT_TRUE(path.go(text));
        auto const found = names.find(path, last);
        return found ? std::string(found->path.view()) : std::string(name_of(found.error()));
    }
    std::set<std::string> list(std::string_view text) {
        Path path;
        EXPECT_TRUE(path.go(text));
        auto const found = names.find(path);
        std::set<std::string> all;
        EXPECT_TRUE(found && names.list(*found, [&](std::string_view name, abi::NodeKind) -> Result<> {
            all.emplace(name);
            return {};
        }));
        return all;
    }
    static Path path(std::string_view text) {
        Path made;
        EXPECT_TRUE(made.go(text));
        return made;
    }

    sdk::testing::Loopback loopback;
    TestManager manager;
    TestFileSystem main;
    TestFileSystem other;
    NameSpace names{5};
};

TEST_F(NameSpaceTest, walks_paths) {
    EXPECT_EQ(find("/"), "/");
    EXPECT_EQ(find("/bin/sh"), "/bin/sh");
    EXPECT_EQ(find("/bin/none"), "not found");
    EXPECT_EQ(find("/bin/sh/x"), "not a directory");
    EXPECT_EQ(find("/" + std::string(300, 'x')), "name too long");
}

TEST_F(NameSpaceTest, follows_links) {
    EXPECT_EQ(find("/bin/dash"), "/bin/sh");
    EXPECT_EQ(find("/bin/dash", LastLink::keep), "/bin/dash");
    EXPECT_EQ(find("/sbin/dash"), "/bin/sh");
    EXPECT_EQ(find("/sbin/dash", LastLink::keep), "/bin/dash");
    EXPECT_EQ(find("/up/sh"), "/bin/sh");
    EXPECT_EQ(find("/loop"), "too many symbolic links");
}

TEST_F(NameSpaceTest, shows_schemes_in_the_root) {
    EXPECT_EQ(find("/other/only-here"), "/other/only-here");
    EXPECT_EQ(find("/console"), "not found");
    EXPECT_EQ(list("/"), (std::set<std::string>{"bin", "sbin", "loop", "up", "main", "other"}));
    EXPECT_EQ(list("/other"), (std::set<std::string>{"absolute", "only-here"}));
}

TEST_F(NameSpaceTest, absolute_links_stay_in_their_file_system) {
    EXPECT_EQ(find("/other/absolute"), "/other/only-here");
}

TEST_F(NameSpaceTest, mounts_and_unmounts) {
    EXPECT_TRUE(names.mount("other", path("/bin/there")));
    EXPECT_EQ(find("/bin/there/only-here"), "/bin/there/only-here");
    EXPECT_EQ(find("/bin/sh"), "/bin/sh");
    EXPECT_TRUE(list("/bin").contains("there"));
    EXPECT_EQ(names.mount("other", path("/bin/there")).error(), Error::busy);
    EXPECT_EQ(names.mount("none", path("/x")).error(), Error::not_found);
    EXPECT_EQ(names.mount("console", path("/x")).error(), Error::wrong_type);
    EXPECT_EQ(names.unmount(path("/")).error(), Error::busy);
    EXPECT_EQ(names.unmount(path("/bin")).error(), Error::not_found);
    EXPECT_TRUE(names.unmount(path("/bin/there")));
    EXPECT_EQ(find("/bin/there/only-here"), "not found");
}

TEST_F(NameSpaceTest, finds_places_for_new_things) {
    auto const place = names.find_place(path("/sbin/new"));
    ASSERT_TRUE(place);
    EXPECT_EQ(place->path.view(), "/bin/new");
    EXPECT_EQ(place->name(), "new");
    EXPECT_EQ(names.find_place(path("/none/new")).error(), Error::not_found);
    EXPECT_EQ(names.find_place(path("/bin/sh/new")).error(), Error::not_a_directory);
    EXPECT_EQ(names.find_place(path("/")).error(), Error::invalid_argument);
}

TEST(TakeEntry, refuses_what_is_cut_off) {
    std::string const packed = std::string(8, '\1') + std::string(8, '\2') + '\1' + '\3' + "abc";
    for (std::size_t length = 0; length < packed.size(); ++length) {
        auto rest = as_bytes(std::string_view(packed).substr(0, length));
        EXPECT_EQ(take_entry(rest).error(), Error::corrupt);
    }
    auto rest = as_bytes(packed);
    auto const entry = take_entry(rest);
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->name, "abc");
    EXPECT_TRUE(rest.empty());
    std::string const wrong_kind = std::string(16, '\1') + '\x7f' + '\1' + "a";
    rest = as_bytes(wrong_kind);
    EXPECT_EQ(take_entry(rest).error(), Error::corrupt);
}

}  // namespace
}  // namespace astrata::chevron
