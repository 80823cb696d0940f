#include <gtest/gtest.h>

#include <thread>

#include "strates/linux/file/file_table.h"
#include "strates/linux/file/special.h"
#include "strates/linux/filesystems/overlay/overlay_file_system.h"
#include "strates/linux/poll/epoll_watches.h"
#include "strates/linux/testing/fakes.h"
#include "strates/linux/vfs/operations.h"

namespace astrata::linux_abi {

LinuxResult<Ref<File>> open_device(Path const&, FileType, std::uint64_t, std::uint32_t) {
    return fail(Errno::enxio);
}
LinuxResult<Ref<File>> open_fifo(Inode&, Path const&, std::uint32_t) {
    return fail(Errno::enxio);
}
void end_epoll_watches(File&) {}

namespace {

using testing::fake_objects;
using testing::FakeLower;

class NameCollector final : public DirectorySink {
public:
    explicit NameCollector(std::size_t limit = 1000) : limit_(limit) {}
    bool take(std::string_view name, std::uint64_t, FileType, std::uint64_t) override {
        if (taken_ == limit_)
            return false;
        ++taken_;
        names.emplace_back(name);
        return true;
    }
    void more(std::size_t limit) {
        taken_ = 0;
        limit_ = limit;
    }
    std::vector<std::string> names;

private:
    std::size_t taken_ = 0;
    std::size_t limit_;
};

class Vfs : public ::testing::Test {
protected:
    void SetUp() override {
        testing::install_fakes();
        auto owned = std::make_unique<FakeLower>();
        lower = owned.get();
        auto const etc = lower->add(2, "etc", FileType::directory, 0755);
        lower->add(etc, "passwd", FileType::regular, 0644, "root:x:0:0\n");
        lower->add(etc, "secret", FileType::regular, 0600, "hidden");
        lower->add(2, "link", FileType::symbolic_link, 0777, "etc/passwd");
        lower->add(2, "absolute", FileType::symbolic_link, 0777, "/etc/");
        lower->add(2, "loop", FileType::symbolic_link, 0777, "loop");
        auto const deep = lower->add(2, "deep", FileType::directory, 0755);
        auto const deeper = lower->add(deep, "deeper", FileType::directory, 0755);
        lower->add(deeper, "file", FileType::regular, 0644, "down here");
        file_system.emplace(OverlayFileSystem::create(std::move(owned), {}).value());
        mount.emplace(mount_file_system(**file_system, nullptr, "lower", 0).value());
        Path const root{*mount, Ref<Dentry>::share((*mount)->root())};
        context.emplace(FileSystemContext::create(root, root, 022).value());
        credentials.emplace(Credentials::create_root().value());
    }
    void TearDown() override {
        // Mounts of one test do not outlive it.
        std::vector<Ref<Mount>> mounts;
        tree().for_each_mount([&](Mount& each) { mounts.push_back(Ref<Mount>::share(each)); });
        context.reset();
        testing::on_wait = nullptr;
        while (mounts.size() > 1) {
            (void)tree().detach(Path{mounts.back(), Ref<Dentry>::share(mounts.back()->root())}, true);
            mounts.pop_back();
        }
        detach_root(*mounts.front());
        DentryCache::Victims victims;
        for (;;) {
            DentryCache::Victims batch;
            Lock lock(tree().mutex());
            tree().cache_locked().trim(0, batch);
            if (batch.count() == 0)
                break;
            lock.unlock();
        }
    }
    static void detach_root(Mount& root) { tree().detach_root_for_tests(root); }

    WalkStart start() { return {**context, **credentials}; }
    LinuxResult<Path> at(std::string_view path, LastComponent last = LastComponent::follow) {
        Walker walker(start());
        return walker.resolve(path, last);
    }
    LinuxResult<Ref<File>> open(std::string_view path, std::uint32_t flags = open_flag::read_only,
                                std::uint32_t mode = 0644) {
        return open_file(start(), path, flags, mode);
    }
    static std::string read_all(File& file) {
        std::array<std::byte, 100> buffer{};
        std::string text;
        for (;;) {
            auto io = IoBuffer::from_memory(buffer);
            auto const done = file.read_here(io);
            EXPECT_TRUE(done.has_value());
            if (!done || *done == 0)
                return text;
            text += as_text(Bytes(buffer).first(*done));
        }
    }
    std::string contents(std::string_view path) { return read_all(*open(path).value()); }
    static LinuxResult<std::size_t> write(File& file, std::string_view text) {
        auto io = IoBuffer::from_constant_memory(as_bytes(text));
        return file.write_here(io);
    }
    std::vector<std::string> list(std::string_view path) {
        NameCollector names;
        EXPECT_TRUE(open(path).value()->read_entries(names).has_value());
        std::ranges::sort(names.names);
        return names.names;
    }
    std::string path_of(Path const& path) {
        std::array<char, path_limit> buffer{};
        return std::string(tree().format(path, (*context)->root(), buffer).value());
    }
    LinuxResult<> mkdir(std::string_view path) {
        return make_node(start(), path, static_cast<std::uint32_t>(FileType::directory) | 0777, 0);
    }

    FakeLower* lower = nullptr;
    std::optional<Ref<OverlayFileSystem>> file_system;
    std::optional<Ref<Mount>> mount;
    std::optional<Ref<FileSystemContext>> context;
    std::optional<Ref<Credentials>> credentials;
};

TEST_F(Vfs, reads_a_file_of_the_lower_file_system) {
    EXPECT_EQ(contents("/etc/passwd"), "root:x:0:0\n");
}

TEST_F(Vfs, looks_a_name_up_once) {
    ASSERT_TRUE(at("/etc/passwd"));
    auto const lookups = lower->lookups;
    ASSERT_TRUE(at("/etc/passwd"));
    ASSERT_TRUE(at("etc/../etc//./passwd"));
    EXPECT_EQ(at("/etc/none").error(), Errno::enoent);
    EXPECT_EQ(at("/etc/none").error(), Errno::enoent);
    EXPECT_EQ(lower->lookups, lookups + 1);  // the absent name, once
}

TEST_F(Vfs, follows_symbolic_links) {
    EXPECT_EQ(contents("/link"), "root:x:0:0\n");
    EXPECT_EQ(path_of(at("/absolute/passwd").value()), "/etc/passwd");
    EXPECT_TRUE(at("/link", LastComponent::no_follow).value().inode().is_symbolic_link());
    EXPECT_EQ(at("/absolute/", LastComponent::no_follow).value().inode().type(), FileType::directory);
    EXPECT_EQ(at("/loop").error(), Errno::eloop);
    EXPECT_EQ(open("/link", open_flag::no_follow).error(), Errno::eloop);
}

TEST_F(Vfs, knows_where_paths_go_wrong) {
    EXPECT_EQ(at("").error(), Errno::enoent);
    EXPECT_EQ(at("/etc/passwd/x").error(), Errno::enotdir);
    EXPECT_EQ(at("/etc/passwd/").error(), Errno::enotdir);
    EXPECT_EQ(at("/etc/passwd/.").error(), Errno::enotdir);
    EXPECT_EQ(at("/link/").error(), Errno::enotdir);
    EXPECT_EQ(at("/" + std::string(256, 'a')).error(), Errno::enametoolong);
    EXPECT_EQ(path_of(at("/../..").value()), "/");
    EXPECT_EQ(open("/etc", open_flag::read_write).error(), Errno::eisdir);
    EXPECT_EQ(open("/etc/passwd", open_flag::directory).error(), Errno::enotdir);
}

TEST_F(Vfs, creates_files_and_applies_the_umask) {
    auto file = open("/new", open_flag::create | open_flag::read_write, 0666).value();
    EXPECT_EQ(file->attributes().value().mode, 0100644u);
    EXPECT_EQ(write(*file, "hello").value(), 5u);
    EXPECT_EQ(contents("/new"), "hello");
    EXPECT_EQ(open("/new", open_flag::create | open_flag::exclusive | open_flag::read_write).error(), Errno::eexist);
    auto again = open("/new", open_flag::create | open_flag::truncate | open_flag::write_only).value();
    EXPECT_EQ(contents("/new"), "");
}

TEST_F(Vfs, creates_through_a_dangling_link) {
    ASSERT_TRUE(make_node(start(), "/dangling", static_cast<std::uint32_t>(FileType::symbolic_link), 0, "etc/made"));
    auto file = open("/dangling", open_flag::create | open_flag::write_only).value();
    EXPECT_EQ(path_of(*file->path()), "/etc/made");
    ASSERT_TRUE(make_node(start(), "/self", static_cast<std::uint32_t>(FileType::symbolic_link), 0, "self"));
    EXPECT_EQ(open("/self", open_flag::create | open_flag::write_only).error(), Errno::eloop);
}

TEST_F(Vfs, copies_only_the_page_written) {
    std::string big(10 * page_size, 'x');
    lower->add(2, "big", FileType::regular, 0644, big);
    auto file = open("/big", open_flag::read_write).value();
    ASSERT_TRUE(file->seek(5 * page_size, SeekOrigin::set));
    fake_objects().page_copies = 0;
    ASSERT_TRUE(write(*file, "Y"));
    EXPECT_EQ(fake_objects().page_copies, 1u);
    big[5 * page_size] = 'Y';
    EXPECT_EQ(contents("/big"), big);
}

TEST_F(Vfs, asks_a_small_lower_directory_once_for_all_names_that_it_has_not) {
    auto const create = [&](std::string const& name) {
        return open(name, open_flag::create | open_flag::exclusive | open_flag::write_only, 0644);
    };
    ASSERT_TRUE(create("/etc/first").has_value());
    ASSERT_TRUE(create("/etc/second").has_value());
    auto const lookups = lower->lookups;
    for (int index = 0; index < 50; ++index)
        ASSERT_TRUE(create("/etc/new" + std::to_string(index)).has_value());
    EXPECT_EQ(lower->lookups, lookups);
    // What it has is still found, and a name that was removed here does not come back.
    EXPECT_EQ(create("/etc/passwd").error(), Errno::eexist);
    ASSERT_TRUE(remove_name(start(), "/etc/secret", false).has_value());
    EXPECT_EQ(open("/etc/secret", open_flag::read_only, 0).error(), Errno::enoent);
    ASSERT_TRUE(create("/etc/secret").has_value());
}

TEST_F(Vfs, asks_a_large_lower_directory_for_each_name) {
    auto const large = lower->add(2, "large", FileType::directory, 0755);
    for (int index = 0; index < 200; ++index)
        lower->add(large, "file" + std::to_string(index), FileType::regular, 0644);
    for (int index = 0; index < 5; ++index) {
        auto const lookups = lower->lookups;
        EXPECT_EQ(open("/large/absent" + std::to_string(index), open_flag::read_only, 0).error(), Errno::enoent);
        EXPECT_GT(lower->lookups, lookups);
    }
    EXPECT_TRUE(open("/large/file199", open_flag::read_only, 0).has_value());
}

TEST_F(Vfs, keeps_changes_to_lower_files_after_the_cache_forgot_them) {
    {
        auto file = open("/etc/passwd", open_flag::write_only | open_flag::append).value();
        ASSERT_TRUE(write(*file, "more\n"));
        ASSERT_TRUE(change_mode(at("/deep").value(), 0700, **credentials));
    }
    for (int round = 0; round < 10; ++round) {
        DentryCache::Victims victims;
        Lock lock(tree().mutex());
        tree().cache_locked().trim(0, victims);
    }
    EXPECT_EQ(contents("/etc/passwd"), "root:x:0:0\nmore\n");
    EXPECT_EQ(at("/deep").value().inode().permissions(), 0700u);
}

TEST_F(Vfs, shows_zeros_where_a_truncated_file_grew) {
    auto file = open("/etc/passwd", open_flag::read_write).value();
    ASSERT_TRUE(file->truncate(4));
    ASSERT_TRUE(file->truncate(8));
    EXPECT_EQ(read_all(*file), std::string("root\0\0\0\0", 8));
    ASSERT_TRUE(file->truncate(0));
    ASSERT_TRUE(file->truncate(3));
    EXPECT_EQ(contents("/etc/passwd"), std::string("\0\0\0", 3));
}

TEST_F(Vfs, appends_wherever_the_position_is) {
    auto file = open("/log", open_flag::create | open_flag::read_write | open_flag::append).value();
    ASSERT_TRUE(write(*file, "one "));
    ASSERT_TRUE(file->seek(0, SeekOrigin::set));
    ASSERT_TRUE(write(*file, "two"));
    EXPECT_EQ(contents("/log"), "one two");
    EXPECT_EQ(file->seek(0, SeekOrigin::current).value(), 7u);
}

TEST_F(Vfs, removes_and_hides_lower_entries) {
    ASSERT_TRUE(remove_name(start(), "/etc/passwd", false));
    EXPECT_EQ(at("/etc/passwd").error(), Errno::enoent);
    EXPECT_EQ(list("/etc"), (std::vector<std::string>{".", "..", "secret"}));
    auto file = open("/etc/passwd", open_flag::create | open_flag::write_only).value();
    ASSERT_TRUE(write(*file, "mine"));
    EXPECT_EQ(contents("/etc/passwd"), "mine");
    EXPECT_EQ(list("/etc"), (std::vector<std::string>{".", "..", "passwd", "secret"}));
    ASSERT_TRUE(remove_name(start(), "/etc/passwd", false));
    EXPECT_EQ(at("/etc/passwd").error(), Errno::enoent);
    EXPECT_EQ(remove_name(start(), "/etc", true).error(), Errno::enotempty);
    ASSERT_TRUE(remove_name(start(), "/etc/secret", false));
    ASSERT_TRUE(remove_name(start(), "/etc", true));
    EXPECT_EQ(at("/etc").error(), Errno::enoent);
    ASSERT_TRUE(mkdir("/etc"));
    EXPECT_EQ(list("/etc"), (std::vector<std::string>{".", ".."}));
}

TEST_F(Vfs, refuses_what_cannot_be_removed) {
    EXPECT_EQ(remove_name(start(), "/etc", false).error(), Errno::eisdir);
    EXPECT_EQ(remove_name(start(), "/etc/passwd", true).error(), Errno::enotdir);
    EXPECT_EQ(remove_name(start(), "/etc/.", true).error(), Errno::einval);
    EXPECT_EQ(remove_name(start(), "/etc/..", true).error(), Errno::enotempty);
    EXPECT_EQ(remove_name(start(), "/", true).error(), Errno::ebusy);
    EXPECT_EQ(remove_name(start(), "/none", false).error(), Errno::enoent);
}

TEST_F(Vfs, lets_a_removed_file_live_while_it_is_open) {
    auto file = open("/etc/passwd").value();
    ASSERT_TRUE(remove_name(start(), "/etc/passwd", false));
    EXPECT_EQ(read_all(*file), "root:x:0:0\n");
    EXPECT_EQ(file->attributes().value().links, 0u);
    EXPECT_EQ(path_of(*file->path()), "/etc/passwd (deleted)");
}

TEST_F(Vfs, renames_directories_with_what_is_below_them) {
    ASSERT_TRUE(rename(start(), "/deep", start(), "/moved", 0));
    EXPECT_EQ(contents("/moved/deeper/file"), "down here");
    EXPECT_EQ(at("/deep").error(), Errno::enoent);
    EXPECT_EQ(path_of(at("/moved/deeper").value()), "/moved/deeper");
    EXPECT_EQ(rename(start(), "/moved", start(), "/moved/deeper/x", 0).error(), Errno::einval);
    EXPECT_EQ(rename(start(), "/moved/deeper", start(), "/moved", 0).error(), Errno::enotempty);
    EXPECT_EQ(rename(start(), "/moved", start(), "/link", 0).error(), Errno::enotdir);
    EXPECT_EQ(rename(start(), "/link", start(), "/moved", 0).error(), Errno::eisdir);
    ASSERT_TRUE(mkdir("/empty"));
    ASSERT_TRUE(rename(start(), "/moved", start(), "/empty", 0));
    EXPECT_EQ(contents("/empty/deeper/file"), "down here");
    auto const names = list("/");
    EXPECT_EQ(std::ranges::count(names, "moved"), 0);
    EXPECT_EQ(std::ranges::count(names, "empty"), 1);
}

TEST_F(Vfs, replaces_and_exchanges_by_rename) {
    ASSERT_TRUE(write(*open("/a", open_flag::create | open_flag::write_only).value(), "A"));
    ASSERT_TRUE(write(*open("/b", open_flag::create | open_flag::write_only).value(), "B"));
    EXPECT_EQ(rename(start(), "/a", start(), "/b", rename_flag::no_replace).error(), Errno::eexist);
    ASSERT_TRUE(rename(start(), "/a", start(), "/etc/passwd", rename_flag::exchange));
    EXPECT_EQ(contents("/a"), "root:x:0:0\n");
    EXPECT_EQ(contents("/etc/passwd"), "A");
    ASSERT_TRUE(rename(start(), "/b", start(), "/etc/passwd", 0));
    EXPECT_EQ(contents("/etc/passwd"), "B");
    EXPECT_EQ(at("/b").error(), Errno::enoent);
    auto const names = list("/etc");
    EXPECT_EQ(std::ranges::count(names, "passwd"), 1);
}

TEST_F(Vfs, keeps_hard_links_one_file) {
    ASSERT_TRUE(make_hard_link(at("/etc/passwd").value(), start(), "/hard"));
    ASSERT_TRUE(write(*open("/hard", open_flag::write_only | open_flag::append).value(), "!"));
    EXPECT_EQ(contents("/etc/passwd"), "root:x:0:0\n!");
    EXPECT_EQ(at("/hard").value().inode().links(), 2u);
    ASSERT_TRUE(remove_name(start(), "/etc/passwd", false));
    EXPECT_EQ(contents("/hard"), "root:x:0:0\n!");
    EXPECT_EQ(make_hard_link(at("/etc").value(), start(), "/dir").error(), Errno::eperm);
}

TEST_F(Vfs, reads_a_directory_in_pieces_and_survives_removals_meanwhile) {
    for (int number = 0; number < 20; ++number)
        ASSERT_TRUE(open("/etc/f" + std::to_string(number), open_flag::create | open_flag::write_only));
    auto directory = open("/etc").value();
    NameCollector names(3);
    for (;;) {
        auto const before = names.names.size();
        ASSERT_TRUE(directory->read_entries(names));
        if (names.names.size() == before)
            break;
        for (auto index = before; index < names.names.size(); ++index) {
            if (names.names[index] != "." && names.names[index] != "..")
                ASSERT_TRUE(remove_name(start(), "/etc/" + names.names[index], false));
        }
        names.more(3);
    }
    std::ranges::sort(names.names);
    EXPECT_EQ(names.names.size(), 24u);  // . .. passwd secret f0..f19
    EXPECT_TRUE(std::ranges::adjacent_find(names.names) == names.names.end());
    EXPECT_EQ(list("/etc").size(), 2u);
}

TEST_F(Vfs, checks_permissions) {
    auto user = (*credentials)->copy().value();
    user->file_uid = 1000;
    user->file_gid = 1000;
    user->effective = 0;
    WalkStart const as_user{**context, *user};
    EXPECT_EQ(open_file(as_user, "/etc/secret", open_flag::read_only, 0).error(), Errno::eacces);
    EXPECT_TRUE(open_file(as_user, "/etc/passwd", open_flag::read_only, 0));
    EXPECT_EQ(open_file(as_user, "/etc/passwd", open_flag::write_only, 0).error(), Errno::eacces);
    EXPECT_EQ(open_file(as_user, "/etc/new", open_flag::create | open_flag::write_only, 0).error(), Errno::eacces);
    EXPECT_EQ(remove_name(as_user, "/etc/passwd", false).error(), Errno::eacces);
    ASSERT_TRUE(change_mode(at("/deep").value(), 0700, **credentials));
    Walker walker(as_user);
    EXPECT_EQ(walker.resolve("/deep/deeper", LastComponent::follow).error(), Errno::eacces);
    // A sticky directory lets only owners remove.
    ASSERT_TRUE(mkdir("/tmp"));
    ASSERT_TRUE(change_mode(at("/tmp").value(), 01777, **credentials));
    ASSERT_TRUE(open("/tmp/root", open_flag::create | open_flag::write_only));
    EXPECT_EQ(remove_name(as_user, "/tmp/root", false).error(), Errno::eperm);
    ASSERT_TRUE(open_file(as_user, "/tmp/own", open_flag::create | open_flag::write_only, 0600));
    EXPECT_TRUE(remove_name(as_user, "/tmp/own", false));
    EXPECT_EQ(change_mode(at("/tmp").value(), 0, *user).error(), Errno::eperm);
    EXPECT_EQ(open_executable(start(), "/etc/passwd").error(), Errno::eacces);
}

TEST_F(Vfs, walks_over_mounts_both_ways) {
    ASSERT_TRUE(mkdir("/tmp"));
    auto tmpfs = OverlayFileSystem::create(nullptr, {}).value();
    auto const place = at("/tmp").value();
    auto mounted = mount_file_system(*tmpfs, &place, "tmpfs", 0).value();
    ASSERT_TRUE(open("/tmp/file", open_flag::create | open_flag::write_only));
    EXPECT_EQ(path_of(at("/tmp/file").value()), "/tmp/file");
    EXPECT_EQ(path_of(at("/tmp/..").value()), "/");
    EXPECT_EQ(remove_name(start(), "/tmp", true).error(), Errno::ebusy);
    EXPECT_EQ(rename(start(), "/etc/passwd", start(), "/tmp/x", 0).error(), Errno::exdev);
    EXPECT_EQ(tree().detach(at("/tmp").value(), false).error(), Errno::ebusy);  // `mounted` uses it
    mounted = *mount;
    ASSERT_TRUE(tree().detach(at("/tmp").value(), false));
    EXPECT_EQ(at("/tmp/file").error(), Errno::enoent);
}

TEST_F(Vfs, refuses_writes_to_read_only_mounts) {
    (*mount)->set_flags(mount_flag::read_only);
    EXPECT_EQ(open("/new", open_flag::create | open_flag::write_only).error(), Errno::erofs);
    EXPECT_EQ(open("/etc/passwd", open_flag::write_only).error(), Errno::erofs);
    EXPECT_EQ(mkdir("/d").error(), Errno::erofs);
    EXPECT_EQ(remove_name(start(), "/etc/passwd", false).error(), Errno::erofs);
    EXPECT_EQ(contents("/etc/passwd"), "root:x:0:0\n");
}

TEST_F(Vfs, confines_to_a_new_root) {
    auto const etc = at("/etc").value();
    (*context)->set_root(etc);
    EXPECT_EQ(contents("/passwd"), "root:x:0:0\n");
    EXPECT_EQ(contents("/../../passwd"), "root:x:0:0\n");
    (*context)->set_working_directory(etc);
    EXPECT_EQ(path_of(at("..").value()), "/");
}

TEST_F(Vfs, creates_nothing_in_a_removed_directory) {
    ASSERT_TRUE(mkdir("/gone"));
    auto const gone = at("/gone").value();
    (*context)->set_working_directory(gone);
    ASSERT_TRUE(remove_name(start(), "/gone", true));
    EXPECT_EQ(open("x", open_flag::create | open_flag::write_only).error(), Errno::enoent);
    EXPECT_EQ(mkdir("y").error(), Errno::enoent);
    EXPECT_EQ(path_of(gone), "/gone (deleted)");
}

TEST_F(Vfs, makes_temporary_files_without_names) {
    auto file = open("/etc", open_flag::temporary | open_flag::directory | open_flag::read_write).value();
    ASSERT_TRUE(write(*file, "x"));
    EXPECT_EQ(file->attributes().value().links, 0u);
    EXPECT_EQ(list("/etc").size(), 4u);
}

TEST_F(Vfs, reports_exhausted_memory) {
    auto file = open("/new", open_flag::create | open_flag::write_only).value();
    fake_objects().is_out_of_memory = true;
    EXPECT_EQ(write(*file, "x").error(), Errno::enomem);
}

TEST_F(Vfs, hands_descriptors_out_lowest_first) {
    auto table = FileTable::create().value();
    auto file = open("/etc/passwd").value();
    EXPECT_EQ(table->insert(file, false, 1024).value(), 0);
    EXPECT_EQ(table->insert(file, true, 1024).value(), 1);
    EXPECT_EQ(table->insert(file, false, 1024, 10).value(), 10);
    EXPECT_EQ(table->insert(file, false, 1024).value(), 2);
    ASSERT_TRUE(table->close(0));
    EXPECT_EQ(table->insert(file, false, 1024).value(), 0);
    ASSERT_TRUE(table->replace(100, file, true, 1024));
    EXPECT_EQ(table->replace(2000, file, true, 1024).error(), Errno::ebadf);
    auto copy = table->clone().value();
    copy->close_marked();
    EXPECT_EQ(copy->get(1).error(), Errno::ebadf);
    EXPECT_EQ(copy->get(100).error(), Errno::ebadf);
    EXPECT_TRUE(copy->get(10));
    EXPECT_TRUE(table->get(100));
    EXPECT_EQ(table->insert(file, false, 4).value(), 3);
    EXPECT_EQ(table->insert(file, false, 4).error(), Errno::emfile);
    table->close_range(2, ~0u, false);
    EXPECT_EQ(table->next_used(2), -1);
    EXPECT_EQ(table->get(-1).error(), Errno::ebadf);
}

TEST_F(Vfs, keeps_its_shape_while_many_threads_change_it) {
    for (int number = 0; number < 4; ++number)
        ASSERT_TRUE(mkdir("/d" + std::to_string(number)));
    auto work = [&](std::uint32_t seed) {
        auto next = [&] { return (seed = seed * 1664525 + 1013904223) >> 16; };
        auto name = [&] {
            auto text = "/d" + std::to_string(next() % 4);
            if (next() % 3 != 0)
                text += "/n" + std::to_string(next() % 4);
            if (next() % 3 == 0)
                text += "/n" + std::to_string(next() % 4);
            return text;
        };
        for (int round = 0; round < 3000; ++round) {
            switch (next() % 8) {
            case 0: (void)mkdir(name()); break;
            case 1: (void)open(name(), open_flag::create | open_flag::write_only); break;
            case 2: (void)remove_name(start(), name(), next() % 2 == 0); break;
            case 3: (void)rename(start(), name(), start(), name(), next() % 8 == 0 ? rename_flag::exchange : 0); break;
            case 4: (void)at(name() + "/.." + name()); break;
            case 5:
                if (auto directory = open(name(), open_flag::directory); directory) {
                    NameCollector names;
                    (void)(*directory)->read_entries(names);
                    std::array<char, path_limit> text{};
                    (void)tree().format(*(*directory)->path(), (*context)->root(), text);
                }
                break;
            case 6: {
                DentryCache::Victims victims;
                Lock lock(tree().mutex());
                tree().cache_locked().trim(next() % 32, victims);
                lock.unlock();
                break;
            }
            default: (void)at(name()); break;
            }
        }
    };
    std::vector<std::thread> threads;
    for (std::uint32_t seed = 1; seed <= 4; ++seed)
        threads.emplace_back(work, seed);
    for (auto& thread : threads)
        thread.join();
    // What is listed can be looked up, and everything can be removed.
    auto clear = [&](auto& self, std::string const& directory) -> void {
        for (auto const& entry : list(directory)) {
            if (entry == "." || entry == "..")
                continue;
            auto const path = directory + "/" + entry;
            auto const place = at(path, LastComponent::no_follow);
            ASSERT_TRUE(place) << path;
            EXPECT_EQ(path_of(*place), path);
            bool const is_directory = place->inode().is_directory();
            if (is_directory)
                self(self, path);
            EXPECT_TRUE(remove_name(start(), path, is_directory)) << path;
        }
        EXPECT_EQ(at(directory).value().inode().links(), 2u);
    };
    for (int number = 0; number < 4; ++number) {
        auto const directory = "/d" + std::to_string(number);
        if (at(directory) && at(directory)->inode().is_directory())
            clear(clear, directory);
    }
}

TEST_F(Vfs, trims_the_cache_to_its_limit) {
    ASSERT_TRUE(mkdir("/many"));
    for (int number = 0; number < 6000; ++number)
        (void)at("/many/" + std::to_string(number));
    Lock lock(tree().mutex());
    EXPECT_LE(tree().cache_locked().size(), DentryCache::entry_limit);
}

}  // namespace
}  // namespace astrata::linux_abi
