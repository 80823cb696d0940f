// For tests and the fuzzer: touches everything that a volume holds, with bounds of its own.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/async/sync_wait.h"
#include "lib/ext4/volume.h"

namespace astrata::ext4::testing {

/// What a walk came across. The digest covers all contents, names and attributes that could be read.
struct WalkReport {
    std::size_t inodes = 0;
    std::size_t errors = 0;
    std::uint64_t digest = 0xcbf2'9ce4'8422'2325;

    void digest_bytes(Bytes bytes) {
        for (auto const byte : bytes)  // FNV-1a
            digest = (digest ^ static_cast<std::uint64_t>(byte)) * 0x100'0000'01b3;
    }
};

namespace detail {

struct Names final : DirectoryVisitor {
    bool visit(DirectoryEntry const& entry, std::uint64_t) override {
        found.emplace_back(entry.name, entry.inode);
        return found.size() < 2000;
    }
    std::vector<std::pair<std::string, InodeNumber>> found;
};

struct AttributeNames final : AttributeVisitor {
    bool visit(AttributeName const& name, std::size_t) override {
        found.push_back(std::string(name.prefix) + std::string(name.rest));
        return found.size() < 100;
    }
    std::vector<std::string> found;
};

}  // namespace detail

inline WalkReport walk(Volume& volume, std::size_t inode_limit = 200) {
    WalkReport report;
    auto const note = [&report](auto result) {
        report.errors += !result;
        return result;
    };
    std::vector<InodeNumber> pending = {root_inode};
    std::set<InodeNumber> seen = {root_inode};
    std::array<std::byte, 9000> buffer;
    for (std::size_t next = 0; next < pending.size() && next < inode_limit; ++next) {
        auto const inode = note(async::sync_wait(volume.read_inode(pending[next])));
        if (!inode)
            continue;
        ++report.inodes;
        report.digest_bytes(std::as_bytes(std::span(&inode->size, 1)));

        detail::AttributeNames attributes;
        note(async::sync_wait(volume.list_attributes(*inode, attributes)));
        for (auto const& name : attributes.found) {
            report.digest_bytes(as_bytes(name));
            if (auto const size = note(async::sync_wait(volume.get_attribute(*inode, name, buffer))))
                report.digest_bytes(Bytes(buffer).first(*size));
        }
        if (inode->is_directory()) {
            detail::Names names;
            note(async::sync_wait(volume.read_directory(*inode, 0, names)));
            for (auto const& [name, number] : names.found) {
                report.digest_bytes(as_bytes(name));
                note(async::sync_wait(volume.lookup(*inode, name)));
                if (seen.insert(number).second)
                    pending.push_back(number);
            }
            static_cast<void>(async::sync_wait(volume.lookup(*inode, "a name that is not there")));
        } else if (inode->type == FileType::symbolic_link) {
            if (auto const size = note(async::sync_wait(volume.read_link(*inode, buffer))))
                report.digest_bytes(Bytes(buffer).first(*size));
        } else if (inode->type == FileType::regular) {
            // The start, the end, and some of what lies between in a file that is larger than it should be.
            auto const step = std::max<std::uint64_t>(buffer.size(), inode->size / 40);
            for (std::uint64_t offset = 0; offset < inode->size; offset += step) {
                if (auto const size = note(async::sync_wait(volume.read(*inode, offset, buffer))))
                    report.digest_bytes(Bytes(buffer).first(*size));
            }
            note(async::sync_wait(volume.map_blocks(*inode, 0, 1000)));
            note(async::sync_wait(volume.map_blocks(*inode, ~std::uint64_t{0}, ~std::uint64_t{0})));
        }
    }
    note(async::sync_wait(volume.statistics()));
    return report;
}

}  // namespace astrata::ext4::testing
