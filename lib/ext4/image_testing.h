// For tests: images made by the host's e2fsprogs, sources to read them from, and small shorthands.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "lib/async/sync_wait.h"
#include "lib/async/wait_queue.h"
#include "lib/ext4/volume.h"

namespace astrata::ext4::testing {

namespace fs = std::filesystem;

/// A folder that goes away with the object.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (fs::temp_directory_path() / "astrata-ext4-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr)
            std::abort();
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    TemporaryFolder(TemporaryFolder const&) = delete;
    TemporaryFolder& operator=(TemporaryFolder const&) = delete;

    [[nodiscard]] fs::path const& path() const { return path_; }
    fs::path operator/(std::string_view name) const { return path_ / name; }

private:
    fs::path path_;
};

/// Runs a shell command quietly. e2fsck ends with 1 when it has changed something.
inline void run(std::string const& command, int accepted_status = 0) {
    auto const status = std::system(("PATH=$PATH:/sbin:/usr/sbin; { " + command + "; } >/dev/null 2>&1").c_str());
    ASSERT_TRUE(WIFEXITED(status)) << command;
    ASSERT_LE(WEXITSTATUS(status), accepted_status) << command;
}

/// What a shell command prints.
inline std::string output_of(std::string const& command) {
    auto* const pipe = popen(("PATH=$PATH:/sbin:/usr/sbin; { " + command + "; } 2>/dev/null").c_str(), "r");
    std::string text;
    for (int byte = std::fgetc(pipe); byte != EOF; byte = std::fgetc(pipe))
        text.push_back(static_cast<char>(byte));
    pclose(pipe);
    return text;
}

inline std::string shell_word(fs::path const& path) {
    return "'" + path.string() + "'";
}

/// Runs debugfs requests, one a line, on an image.
inline void edit(fs::path const& image, std::string const& requests) {
    auto const script = image.string() + ".debugfs";
    std::ofstream(script) << requests << '\n';
    run("debugfs -w -f " + shell_word(script) + " " + shell_word(image));
}

inline void write_file(fs::path const& path, std::string_view contents) {
    std::ofstream(path, std::ios::binary).write(contents.data(), static_cast<std::streamsize>(contents.size()));
}

inline std::string read_file(fs::path const& path) {
    std::string bytes(fs::file_size(path), '\0');
    std::ifstream(path, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return bytes;
}

/// Bytes without a pattern, the same for the same seed.
inline std::string noise(std::size_t size, std::uint64_t seed) {
    std::string bytes(size, '\0');
    auto state = seed * 2 + 1;
    for (auto& byte : bytes) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        byte = static_cast<char>(state >> 56);
    }
    return bytes;
}

/// A source over an image file, which may be sparse and large. It answers at once.
class FileSource final : public BlockSource {
public:
    explicit FileSource(fs::path const& image, std::uint32_t unit = 512)
        : unit_(unit), size_(fs::file_size(image)), file_(std::fopen(image.c_str(), "rb")) {}
    ~FileSource() { std::fclose(file_); }

    [[nodiscard]] std::uint32_t block_size() const override { return unit_; }
    [[nodiscard]] std::uint64_t block_count() const override { return size_ / unit_; }
    async::Task<Result<>> read(std::uint64_t first, std::uint64_t count, MutableBytes into) override {
        ++reads;
        if (first > block_count() || count > block_count() - first || into.size() != count * unit_)
            co_return fail(Error::out_of_range);
        if (pread(fileno(file_), into.data(), into.size(), static_cast<off_t>(first * unit_)) !=
            static_cast<ssize_t>(into.size()))
            co_return fail(Error::io);
        co_return ok();
    }

    std::size_t reads = 0;

private:
    std::uint32_t unit_;
    std::uint64_t size_;
    std::FILE* file_;
};

/// A source over bytes in memory that a test may damage.
class MemorySource final : public BlockSource {
public:
    explicit MemorySource(std::string bytes) : image(std::move(bytes)) {}

    [[nodiscard]] std::uint32_t block_size() const override { return 512; }
    [[nodiscard]] std::uint64_t block_count() const override { return image.size() / 512; }
    async::Task<Result<>> read(std::uint64_t first, std::uint64_t count, MutableBytes into) override {
        ++reads;
        if (first > block_count() || count > block_count() - first)
            co_return fail(Error::out_of_range);
        std::ranges::copy(as_bytes(image).subspan(first * 512, count * 512), into.begin());
        co_return ok();
    }

    std::string image;
    std::size_t reads = 0;
};

/// A source whose reads wait until the test lets them go, as a disk's do.
class WaitingSource final : public BlockSource {
public:
    explicit WaitingSource(BlockSource& behind) : behind_(behind) {}

    [[nodiscard]] std::uint32_t block_size() const override { return behind_.block_size(); }
    [[nodiscard]] std::uint64_t block_count() const override { return behind_.block_count(); }
    async::Task<Result<>> read(std::uint64_t first, std::uint64_t count, MutableBytes into) override {
        ++reads;
        co_await waiting.wait();
        if (next_error != Error{})
            co_return fail(std::exchange(next_error, Error{}));
        co_return co_await behind_.read(first, count, into);
    }
    /// Lets reads go until nobody waits for one.
    void drain() {
        while (!waiting.is_empty())
            waiting.wake_one();
    }

    async::WaitQueue waiting;
    std::size_t reads = 0;
    Error next_error{};

private:
    BlockSource& behind_;
};

template <typename T>
T wait(async::Task<Result<T>> task, char const* what = "") {
    auto result = async::sync_wait(std::move(task));
    if (!result) {
        ADD_FAILURE() << what << ": " << name_of(result.error());
        std::abort();
    }
    if constexpr (!std::is_void_v<T>)
        return std::move(*result);
}

/// Follows a path from the root without crossing symbolic links.
inline Result<Inode> find(Volume& volume, std::string_view path) {
    auto inode = TRY(async::sync_wait(volume.read_inode(root_inode)));
    while (!path.empty()) {
        auto const end = std::min(path.find('/'), path.size());
        if (end != 0) {
            auto const number = TRY(async::sync_wait(volume.lookup(inode, path.substr(0, end))));
            inode = TRY(async::sync_wait(volume.read_inode(number)));
        }
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return inode;
}

struct Listed {
    InodeNumber inode;
    FileType type;
    std::uint64_t next;
};

/// Collects a directory's entries, at most `limit` of them in each call.
class Collector final : public DirectoryVisitor {
public:
    explicit Collector(std::size_t limit = static_cast<std::size_t>(-1)) : limit_(limit) {}
    bool visit(DirectoryEntry const& entry, std::uint64_t next) override {
        if (taken == limit_)
            return false;
        ++taken;
        bool const is_new =
            entries.emplace(entry.name, Listed{.inode = entry.inode, .type = entry.type, .next = next}).second;
        EXPECT_TRUE(is_new) << entry.name << " is listed twice";
        return true;
    }

    std::map<std::string, Listed, std::less<>> entries;
    std::size_t taken = 0;

private:
    std::size_t limit_;
};

inline Result<std::map<std::string, Listed, std::less<>>> list(Volume& volume, Inode const& directory,
                                                               std::size_t at_a_time = static_cast<std::size_t>(-1)) {
    Collector collector(at_a_time);
    std::uint64_t cursor = 0;
    do {
        collector.taken = 0;
        cursor = TRY(async::sync_wait(volume.read_directory(directory, cursor, collector)));
    } while (collector.taken != 0);
    return std::move(collector.entries);
}

/// A file's bytes from `offset` on.
inline Result<std::string> contents_of(Volume& volume, Inode const& inode, std::uint64_t offset, std::size_t size) {
    std::string bytes(size, '\x5a');
    auto const read = TRY(
        async::sync_wait(volume.read(inode, offset, std::as_writable_bytes(std::span(bytes.data(), bytes.size())))));
    EXPECT_TRUE(std::ranges::all_of(bytes.substr(read), [](char byte) { return byte == 0; }));
    bytes.resize(read);
    return bytes;
}

inline Result<std::string> target_of(Volume& volume, Inode const& link) {
    std::string target(4096, '\0');
    auto const size =
        TRY(async::sync_wait(volume.read_link(link, std::as_writable_bytes(std::span(target.data(), target.size())))));
    target.resize(size);
    return target;
}

}  // namespace astrata::ext4::testing
