#include <gtest/gtest.h>

#include <format>
#include <string>

#include "lib/cpio/archive.h"

namespace astrata::cpio {
namespace {

std::string entry(std::string const& name, std::string const& contents, std::size_t extra_nuls = 0,
                  unsigned mode = 0100644) {
    auto const name_size = name.size() + 1 + extra_nuls;
    std::string made = "070701" + std::format("{:08x}{:08x}", 1, mode);
    made += std::format("{:08x}{:08x}{:08x}{:08x}{:08x}", 0, 0, 1, 0, contents.size());
    made += std::format("{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}", 0, 0, 0, 0, name_size, 0);
    made += name + std::string(1 + extra_nuls, '\0');
    made.resize((made.size() + 3) / 4 * 4);
    made += contents;
    made.resize((made.size() + 3) / 4 * 4);
    return made;
}

TEST(Cpio, finds_entries_by_name) {
    auto const archive =
        entry("./a", "alpha") + entry("dir", "", 0, 040755) + entry("dir/b", "beta", 100) + entry("TRAILER!!!", "");
    EXPECT_EQ(as_text(find(as_bytes(archive), "a")->contents), "alpha");
    auto const b = find(as_bytes(archive), "dir/b");
    ASSERT_TRUE(b);
    EXPECT_EQ(archive.substr(b->contents_offset, 4), "beta");
    EXPECT_TRUE(b->is_file());
    EXPECT_TRUE(find(as_bytes(archive), "dir")->is_directory());
    EXPECT_EQ(find(as_bytes(archive), "c").error(), Error::not_found);
}

TEST(Cpio, refuses_damaged_archives) {
    auto const good = entry("a", "alpha") + entry("TRAILER!!!", "");
    for (std::size_t size = 0; size != good.size() - 16; ++size)
        EXPECT_EQ(find(as_bytes(std::string_view(good).substr(0, size)), "b").error(), Error::corrupt) << size;
    for (std::size_t const position : {0uz, 6uz + 8, 6uz + 6 * 8, 6uz + 11 * 8}) {
        auto bad = good;
        bad[position] = 'x';
        EXPECT_EQ(find(as_bytes(bad), "b").error(), Error::corrupt) << position;
    }
    auto huge = good;
    huge.replace(6 + 6 * 8, 8, "ffffffff");
    EXPECT_EQ(find(as_bytes(huge), "a").error(), Error::corrupt);
}

}  // namespace
}  // namespace astrata::cpio
