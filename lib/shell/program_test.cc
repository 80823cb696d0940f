#include "lib/shell/program.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace astrata::shell {
namespace {

std::vector<std::string> candidates(std::string_view name, std::string_view path) {
    std::vector<std::string> all;
    ProgramSearch search(name, path);
    while (auto const candidate = search.next())
        all.emplace_back(*candidate);
    return all;
}

TEST(ProgramSearch, tries_each_folder) {
    EXPECT_EQ(candidates("ls", "/bin:/usr/bin/::/x"),
              (std::vector<std::string>{"/bin/ls", "/usr/bin/ls", "./ls", "/x/ls"}));
    EXPECT_EQ(candidates("./ls", "/bin"), (std::vector<std::string>{"./ls"}));
    EXPECT_EQ(candidates("ls", ""), (std::vector<std::string>{"./ls"}));
    EXPECT_EQ(candidates(std::string(5000, 'x'), "/bin"), (std::vector<std::string>{}));
}

struct ProgramParametersTest : testing::Test {
    std::string serialize(std::string_view program) {
        std::string all;
        auto const length = parameters.serialize(program, [&](Bytes piece) -> Result<> {
            all += as_text(piece);
            return {};
        });
        EXPECT_EQ(*length, all.size());
        return all;
    }
    std::vector<std::byte> storage = std::vector<std::byte>(64);
    ProgramParameters parameters{storage};
};

TEST_F(ProgramParametersTest, makes_the_block) {
    using namespace std::string_literals;
    EXPECT_TRUE(parameters.add_environment("A=1"));
    EXPECT_TRUE(parameters.add_argument("ls"));
    EXPECT_TRUE(parameters.add_argument(""));
    EXPECT_TRUE(parameters.add_argument("-l"));
    EXPECT_TRUE(parameters.set_directory("/home"));
    EXPECT_TRUE(parameters.add_environment("B", "2"));
    EXPECT_EQ(parameters.program(), "ls");
    EXPECT_EQ(serialize("ls"), "/home\0003\0ls\0\0-l\0A=1\0B=2\0"s);
    EXPECT_EQ(serialize("/bin/ls"), "/home\0003\0/bin/ls\0\0-l\0A=1\0B=2\0"s);
    EXPECT_EQ(parameters.environment("B"), "2");
    EXPECT_EQ(parameters.environment("C"), std::nullopt);
}

TEST_F(ProgramParametersTest, refuses_what_does_not_fit) {
    EXPECT_EQ(parameters.add_argument(std::string_view("a\0b", 3)).error(), Error::invalid_argument);
    EXPECT_EQ(parameters.add_argument(std::string(32, 'x')).error(), Error::no_space);
    EXPECT_TRUE(parameters.add_argument(std::string(31, 'x')));
    EXPECT_EQ(parameters.add_argument("").error(), Error::no_space);
    EXPECT_EQ(parameters.argument_count(), 1u);
    EXPECT_EQ(parameters.set_directory(std::string(5000, 'x')).error(), Error::name_too_long);
}

}  // namespace
}  // namespace astrata::shell
