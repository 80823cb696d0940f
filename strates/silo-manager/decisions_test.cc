// The silo manager's decisions: what is in the archive, in which order, restarted when.
#include <gtest/gtest.h>

#include <format>
#include <string>
#include <vector>

#include "strates/silo-manager/boot_order.h"
#include "strates/silo-manager/command_line.h"
#include "strates/silo-manager/lifecycle.h"

namespace astrata::silo_manager {
namespace {

std::string number(std::uint64_t value, std::size_t bytes) {
    std::string made;
    for (; bytes != 0; --bytes, value >>= 8)
        made.push_back(static_cast<char>(value));
    return made;
}
std::string name(std::string text) {
    text.resize(32);
    return text;
}

/// A binary manifest: see lib/manifest.
std::string manifest_file(std::string const& strate, unsigned start, std::vector<std::string> const& provides,
                          std::vector<std::string> const& needs, unsigned virtio_device = 0) {
    std::string body;
    for (auto const& scheme : provides)
        body += name("Stream") + name(scheme);
    for (auto const& scheme : needs)
        body += name("Stream") + name("need") + name(scheme) + number(0, 8);
    if (virtio_device != 0)
        body += number(2, 4) + number(0, 4) + number(virtio_device, 4) + number(0, 12) + name("");
    return number(0x54464d41, 4) + number(2, 2) + number(88, 2) + number(88 + body.size(), 4) + number(0, 4) +
           number(start, 4) + number(0, 4) + number(0, 4) + number(0, 4) + number(0, 8) + number(0, 8) +
           number(provides.size(), 2) + number(needs.size(), 2) + number(virtio_device != 0 ? 1 : 0, 2) + number(0, 2) +
           name(strate) + body;
}

std::string file(std::string const& path, std::string const& contents) {
    std::string made = "070701" + std::format("{:08x}{:08x}", 1, 0100644) + std::string(4 * 8, '0') +
                       std::format("{:08x}", contents.size());
    made += std::string(4 * 8, '0') + std::format("{:08x}{:08x}", path.size() + 1, 0) + path + '\0';
    made.resize((made.size() + 3) / 4 * 4);
    made += contents;
    made.resize((made.size() + 3) / 4 * 4);
    return made;
}

struct Complained : Catalogue::Complaints {
    std::vector<std::string> about;
    void on_bad_manifest(std::string_view about_name, Error) override { about.emplace_back(about_name); }
};

struct Archive {
    std::string bytes;
    Complained complaints;

    Archive& strate(std::string const& strate_name, std::string const& manifest) {
        bytes += file("manifests/" + strate_name, manifest) + file("strates/" + strate_name, "ELF of " + strate_name);
        return *this;
    }
    Catalogue read() {
        bytes += file("TRAILER!!!", "");
        return *Catalogue::read(as_bytes(bytes), complaints);
    }
};

TEST(Catalogue, knows_programs_and_providers) {
    Archive archive;
    archive.strate("console", manifest_file("console", 0, {"console"}, {}));
    archive.strate("blk", manifest_file("blk", 2, {"disk"}, {}, 2));
    auto const catalogue = archive.read();
    EXPECT_EQ(catalogue.size(), 2u);
    EXPECT_EQ(as_text(catalogue.find("console")->image), "ELF of console");
    EXPECT_EQ(catalogue.provider_of("console"), catalogue.find("console"));
    EXPECT_EQ(catalogue.provider_of("disk"), nullptr);
    abi::DeviceDescription const device{.bus = abi::BusKind::virtio_mmio, .device = 2};
    EXPECT_EQ(catalogue.driver_for(device), catalogue.find("blk"));
    EXPECT_EQ(catalogue.driver_for({.bus = abi::BusKind::pci}), nullptr);
    EXPECT_TRUE(archive.complaints.about.empty());
}

TEST(Catalogue, complains_and_goes_on) {
    Archive archive;
    archive.strate("good", manifest_file("good", 0, {}, {}));
    archive.strate("bad", "not a manifest");
    archive.strate("other-name", manifest_file("name", 0, {}, {}));
    archive.bytes += file("manifests/no-program", manifest_file("no-program", 0, {}, {}));
    auto const catalogue = archive.read();
    EXPECT_EQ(catalogue.size(), 1u);
    EXPECT_EQ(archive.complaints.about, (std::vector<std::string>{"bad", "other-name", "no-program"}));
    Complained complaints;
    EXPECT_EQ(Catalogue::read(as_bytes(std::string_view("garbage")), complaints)->size(), 0u);
    EXPECT_FALSE(complaints.about.empty());
}

std::vector<std::string> ordered(Catalogue const& catalogue) {
    std::vector<std::string> names;
    auto const order = boot_order(catalogue);
    for (auto const* program : *order)
        names.emplace_back(program->manifest.name.view());
    return names;
}

TEST(BootOrder, puts_providers_first) {
    Archive archive;
    archive.strate("a", manifest_file("a", 0, {}, {"b", "disk0"}));
    archive.strate("b", manifest_file("b", 0, {"b"}, {"c"}));
    archive.strate("c", manifest_file("c", 0, {"c"}, {}));
    archive.strate("later", manifest_file("later", 1, {"later"}, {}));
    EXPECT_EQ(ordered(archive.read()), (std::vector<std::string>{"c", "b", "a"}));
}

TEST(BootOrder, survives_cycles) {
    Archive archive;
    archive.strate("a", manifest_file("a", 0, {"a"}, {"b"}));
    archive.strate("b", manifest_file("b", 0, {"b"}, {"a"}));
    archive.strate("own", manifest_file("own", 0, {"own"}, {"own"}));
    EXPECT_EQ(ordered(archive.read()).size(), 3u);
}

TEST(Lifecycle, restarts_by_policy) {
    using enum abi::StrateState;
    auto const after = [](abi::ProcessState end, std::int64_t code, manifest::Restart policy) {
        Lifecycle life;
        life.running({1000});
        life.ended(end, code, policy, {2000});
        return life.state();
    };
    EXPECT_EQ(after(abi::ProcessState::exited, 0, manifest::Restart::always), restarting);
    EXPECT_EQ(after(abi::ProcessState::exited, 0, manifest::Restart::on_failure), finished);
    EXPECT_EQ(after(abi::ProcessState::exited, 1, manifest::Restart::on_failure), restarting);
    EXPECT_EQ(after(abi::ProcessState::crashed, 0, manifest::Restart::on_failure), restarting);
    EXPECT_EQ(after(abi::ProcessState::killed, 0, manifest::Restart::on_failure), restarting);
    EXPECT_EQ(after(abi::ProcessState::crashed, 0, manifest::Restart::never), crashed);
    EXPECT_EQ(after(abi::ProcessState::exited, 3, manifest::Restart::never), finished);
}

TEST(Lifecycle, pauses_grow_until_a_run_is_long) {
    Lifecycle life;
    std::uint64_t now = 0;
    std::vector<std::uint64_t> pauses;
    for (int i = 0; i != 12; ++i) {
        life.running({now});
        now += 1000;
        life.ended(abi::ProcessState::crashed, 0, manifest::Restart::always, {now});
        pauses.push_back(life.restart_at().value - now);
        now = life.restart_at().value;
    }
    EXPECT_EQ(pauses.front(), 10'000'000u);
    EXPECT_EQ(pauses[3], 80'000'000u);
    EXPECT_EQ(pauses.back(), 5'000'000'000u);
    EXPECT_EQ(life.restarts(), 11u);
    life.running({now});
    now += Backoff::stable_ns;
    life.ended(abi::ProcessState::crashed, 0, manifest::Restart::always, {now});
    EXPECT_EQ(life.restart_at().value - now, 10'000'000u);
}

TEST(Lifecycle, obeys_requests) {
    Lifecycle life;
    life.wanted();
    life.running({0});
    life.stop_requested();
    life.ended(abi::ProcessState::killed, 0, manifest::Restart::always, {1});
    EXPECT_EQ(life.state(), abi::StrateState::stopped);
    life.wanted();
    life.running({2});
    life.restart_requested();
    life.ended(abi::ProcessState::killed, 0, manifest::Restart::never, {3});
    EXPECT_EQ(life.state(), abi::StrateState::restarting);
    EXPECT_EQ(life.restart_at().value, 3u);
}

TEST(Lifecycle, is_given_up_when_it_never_starts) {
    Lifecycle life;
    std::uint64_t now = 0;
    for (std::uint32_t i = 1; i != Lifecycle::launch_limit; ++i) {
        life.wanted();
        ASSERT_FALSE(life.launch_failed(manifest::Restart::always, {now}));
        ASSERT_EQ(life.state(), abi::StrateState::restarting);
        now = life.restart_at().value;
    }
    EXPECT_GT(now, 2'000'000'000u);
    life.wanted();
    EXPECT_TRUE(life.launch_failed(manifest::Restart::always, {now}));
    EXPECT_EQ(life.state(), abi::StrateState::stopped);
    // One launch that works, and it has as many tries as before.
    life.wanted();
    EXPECT_FALSE(life.launch_failed(manifest::Restart::always, {now}));
    life.running({now});
    life.ended(abi::ProcessState::crashed, 0, manifest::Restart::always, {now});
    for (std::uint32_t i = 1; i != Lifecycle::launch_limit; ++i)
        EXPECT_FALSE(life.launch_failed(manifest::Restart::always, {now}));
    EXPECT_TRUE(life.launch_failed(manifest::Restart::always, {now}));
}

TEST(CommandLine, finds_our_words) {
    auto const line = CommandLine::parse("quiet  session=virtio isolation=linux:kernel isolation=bad session=x ");
    EXPECT_FALSE(line.wants_host_session);  // the last one counts
    EXPECT_EQ(line.isolation.size(), 1u);
    EXPECT_EQ(line.isolation[0].strate.view(), "linux");
    EXPECT_EQ(line.isolation[0].mode, abi::IsolationMode::kernel);
    EXPECT_EQ(line.words.size(), 5u);
    EXPECT_EQ(line.mistakes.size(), 2u);
    EXPECT_TRUE(CommandLine::parse("session=virtio").wants_host_session);
    EXPECT_TRUE(CommandLine::parse("").words.is_empty());
}

}  // namespace
}  // namespace astrata::silo_manager
