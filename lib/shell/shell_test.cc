#include <gtest/gtest.h>

#include "lib/shell/pattern.h"
#include "lib/shell/shell_test_support.h"

namespace astrata::shell {
namespace {

class ShellTest : public testing::Test {
protected:
    // What the made-up commands logged.
    std::string run(std::string_view text) {
        runner.log.clear();
        runner.steps = 0;
        ArenaScope scope(arena);
        Parser parser(text, arena);
        auto const list = parser.parse();
        if (!list)
            return "error at " + std::to_string(parser.error().position) + ": " + std::string(parser.error().message) +
                   " " + std::string(parser.error().near) + (parser.error().needs_more ? " (more)" : "");
        Executor executor(runner, arena);
        status = executor.run(*list);
        EXPECT_TRUE(text.empty() || list->first == nullptr || runner.status() == status);
        if (!runner.log.empty())
            runner.log.pop_back();
        return runner.log;
    }

    std::vector<std::byte> storage = std::vector<std::byte>(256 * 1024);
    Arena arena{storage};
    TestRunner runner{arena};
    int status = 0;
};

TEST_F(ShellTest, splits_words_and_resolves_quotes) {
    EXPECT_EQ(run("echo a  'b c' \"d e\" f\\ g h'i'\"j\""), "[echo][a][b c][d e][f g][hij]");
    EXPECT_EQ(run("echo '' \"\""), "[echo][][]");
    EXPECT_EQ(run("echo \"a\\\"b\\$c\\\\d\\e\" '\\n'"), "[echo][a\"b$c\\d\\e][\\n]");
    EXPECT_EQ(run("echo a\\\nb"), "[echo][ab]");
}

TEST_F(ShellTest, ignores_comments_and_blank_lines) {
    EXPECT_EQ(run("# nothing\n\n echo a#b # c | d\n"), "[echo][a#b]");
    EXPECT_EQ(run(""), "");
    EXPECT_EQ(run("   \r\n"), "");
}

TEST_F(ShellTest, replaces_variables) {
    run("A=one B='two  three'");
    EXPECT_EQ(run("echo $A ${A}s \"$B\" $B '$A' \\$A x$B"),
              "[echo][one][ones][two  three][two][three][$A][$A][xtwo][three]");
    EXPECT_EQ(run("echo $UNSET \"$UNSET\" $ $1 a$"), "[echo][][$][$1][a$]");
    EXPECT_EQ(run("C=$B; echo \"$C\""), "[echo][two  three]");
}

TEST_F(ShellTest, knows_the_last_status) {
    EXPECT_EQ(run("false; echo $? ${?}; echo $?"), "[echo][1][1] [echo][0]");
    EXPECT_EQ(run("! true; echo $?; ! false; echo $?"), "[echo][1] [echo][0]");
}

TEST_F(ShellTest, takes_leading_assignments_only) {
    EXPECT_EQ(run("X=1 echo X=2 $X"), "[echo][X=2][1]");
    EXPECT_EQ(run("'X'=3"), "[X=3]");
    EXPECT_EQ(run("1X=3"), "[1X=3]");
}

TEST_F(ShellTest, runs_lists_by_status) {
    EXPECT_EQ(run("true && a || b"), "[a]");
    EXPECT_EQ(run("false && a || b"), "[b]");
    EXPECT_EQ(run("false || false || c && d"), "[c] [d]");
    EXPECT_EQ(run("a; b\nc &&\n d"), "[a] [b] [c] [d]");
    EXPECT_EQ(run("a & b && c & d"), "background(a) background(b && c) [d]");
}

TEST_F(ShellTest, parses_pipelines_and_redirections) {
    EXPECT_EQ(run("a x | b |\n c"), "[a][x] | [b] | [c]");
    EXPECT_EQ(run("a > out 2>> err < in x 2>&1 >&2"), "1>out 2>>err 0<in 2>&1 1>&2 [a][x]");
    EXPECT_EQ(run("a 2 >x y2>z"), "1>x 1>z [a][2][y2]");
    EXPECT_EQ(run("> $X only"), "1> [only]");
}

TEST_F(ShellTest, chooses_branches) {
    EXPECT_EQ(run("if true; then a; fi"), "[a]");
    EXPECT_EQ(run("if false; then a; elif true; then b; else c; fi"), "[b]");
    EXPECT_EQ(run("if false\nthen a\nelif false\nthen b\nelse c\nfi\nd"), "[c] [d]");
    EXPECT_EQ(run("if false; then a; fi; echo $?"), "[echo][0]");
    EXPECT_EQ(run("echo if then fi"), "[echo][if][then][fi]");
}

TEST_F(ShellTest, loops) {
    run("L='p q'");
    EXPECT_EQ(run("for x in 1 \"$L\" $L; do echo $x; done; echo $x"),
              "[echo][1] [echo][p][q] [echo][p] [echo][q] [echo][q]");
    EXPECT_EQ(run("for x in; do a; done"), "");
    EXPECT_EQ(run("for x in 1 2 3; do if test; then continue; fi; a; done"), "[test] [test] [test]");
    EXPECT_EQ(run("while true; do a; break; b; done; c"), "[a] [c]");
    EXPECT_EQ(run("for x in 1 2; do for y in 3 4; do break; done; echo $x$y; done"), "[echo][13] [echo][23]");
    EXPECT_EQ(run("a; exit; b"), "[a]");
    EXPECT_EQ(run("while true; do exit; done; b"), "");
}

TEST_F(ShellTest, stops_when_interrupted) {
    runner.step_limit = 10;
    run("while true; do true; done; a");
    EXPECT_EQ(runner.steps, 10);
    EXPECT_EQ(runner.log, "");
}

TEST_F(ShellTest, compound_commands_take_part_in_pipelines) {
    EXPECT_EQ(run("for x in 1 2; do echo $x; done | b"), "[echo][1] [echo][2] | [b]");
    EXPECT_EQ(run("if true; then a; fi > out && b"), "[a] [b]");
}

TEST_F(ShellTest, matches_paths_unless_quoted) {
    EXPECT_EQ(run("ls *.txt"), "[ls][a.txt][b.txt]");
    EXPECT_EQ(run("ls '*.txt' \\*.txt"), "[ls][*.txt][*.txt]");
    EXPECT_EQ(run("ls *.none a\"*\"[b]"), "[ls][*.none][a*[b]]");
    EXPECT_EQ(runner.patterns.back(), "a\\*[b]");
    run("P='*.txt'");
    EXPECT_EQ(run("ls $P \"$P\""), "[ls][a.txt][b.txt][*.txt]");
}

TEST_F(ShellTest, points_at_mistakes) {
    EXPECT_EQ(run("echo a | | b"), "error at 9: expected a command before |");
    EXPECT_EQ(run("; a"), "error at 0: expected a command before ;");
    EXPECT_EQ(run("a; fi"), "error at 3: unexpected fi");
    EXPECT_EQ(run("if a; fi"), "error at 6: expected `then' before fi");
    EXPECT_EQ(run("if ; then a; fi"), "error at 3: expected a command before ;");
    EXPECT_EQ(run("for 1x in a; do b; done"), "error at 4: expected a variable name before 1x");
    EXPECT_EQ(run("for x of a; do b; done"), "error at 6: expected `in' before of");
    EXPECT_EQ(run("if a; then b; fi c"), "error at 17: expected `;' before c");
    EXPECT_EQ(run("(a)"), "error at 0: parentheses are not supported here: quote them ");
    EXPECT_EQ(run("a > > b"), "error at 4: expected a file name before >");
    EXPECT_EQ(run("a >"), "error at 3: expected a file name before end of input");
    EXPECT_EQ(run("a 3> b"), "error at 2: only the descriptors 0, 1 and 2 can be redirected ");
    EXPECT_EQ(run("a 2>&7"), "error at 2: a copied descriptor must be 1 or 2 ");
    EXPECT_EQ(run("a << b"), "error at 2: here-documents are not supported ");
    EXPECT_EQ(run("echo ${a-b}"), "error at 5: not a variable name ");
    EXPECT_EQ(run(std::string_view("a\0b", 3)), "error at 1: unexpected NUL character ");
}

TEST_F(ShellTest, tells_unfinished_from_wrong) {
    EXPECT_EQ(run("echo 'a"), "error at 5: unclosed quote  (more)");
    EXPECT_EQ(run("echo \"a"), "error at 5: unclosed quote  (more)");
    EXPECT_EQ(run("echo a\\"), "error at 6: nothing follows the backslash  (more)");
    EXPECT_EQ(run("a &&"), "error at 4: expected a command before end of input (more)");
    EXPECT_EQ(run("while a; do b"), "error at 13: expected `done' before end of input (more)");
    EXPECT_EQ(run("if a\n"), "error at 5: expected `then' before end of input (more)");
}

TEST_F(ShellTest, limits_nesting_and_size) {
    std::string deep;
    for (int level = 0; level < 40; ++level)
        deep += "if a; then ";
    EXPECT_EQ(run(deep), "error at 352: if, for and while nest too deeply ");
    std::vector<std::byte> small(1024);
    Arena little(small);
    std::string many;
    for (int word = 0; word < 1000; ++word)
        many += "w ";
    EXPECT_EQ(Parser(many, little).parse().error(), Error::no_memory);
}

TEST(Pattern, matches) {
    EXPECT_TRUE(matches("*.txt", "a.txt"));
    EXPECT_TRUE(matches("*", ""));
    EXPECT_TRUE(matches("a*b*c", "axxbyybc"));
    EXPECT_FALSE(matches("a*b*c", "axxbyyb"));
    EXPECT_TRUE(matches("?[a-c]x", "zbx"));
    EXPECT_FALSE(matches("?[!a-c]x", "zbx"));
    EXPECT_TRUE(matches("[]x]", "]"));
    EXPECT_TRUE(matches("[a", "[a"));
    EXPECT_TRUE(matches("\\*", "*"));
    EXPECT_FALSE(matches("\\*", "a"));
    EXPECT_FALSE(matches("a", ""));
    EXPECT_FALSE(matches("", "a"));
    EXPECT_TRUE(has_pattern("a[b"));
    EXPECT_FALSE(has_pattern("a\\*b"));
}

TEST(Variables, sets_finds_and_removes) {
    auto variables = std::make_unique<Variables>();
    EXPECT_TRUE(variables->set("B", "2"));
    EXPECT_TRUE(variables->set("A", "1"));
    EXPECT_TRUE(variables->set_exported("A"));
    EXPECT_TRUE(variables->set("A", "a longer value"));
    EXPECT_EQ(variables->at(0).name, "A");
    EXPECT_EQ(variables->find("A")->value, "a longer value");
    EXPECT_TRUE(variables->find("A")->is_exported);
    EXPECT_EQ(variables->find("B")->value, "2");
    EXPECT_TRUE(variables->remove("A"));
    EXPECT_FALSE(variables->remove("A"));
    EXPECT_EQ(variables->find("B")->value, "2");
    EXPECT_EQ(variables->set("1", "").error(), Error::invalid_argument);
}

TEST(Variables, refuses_too_much) {
    auto variables = std::make_unique<Variables>();
    std::string const big(Variables::text_limit - 1, 'x');
    EXPECT_TRUE(variables->set("A", big));
    EXPECT_TRUE(variables->set("A", big));
    EXPECT_EQ(variables->set("B", "").error(), Error::no_resources);
    EXPECT_EQ(variables->set("A", big + "y").error(), Error::no_resources);
    EXPECT_EQ(variables->find("A")->value.size(), big.size());
    EXPECT_TRUE(variables->set("A", ""));
    for (std::size_t number = 1; number < Variables::count_limit; ++number)
        EXPECT_TRUE(variables->set("V" + std::to_string(number), "v"));
    EXPECT_EQ(variables->set("Z", "").error(), Error::no_resources);
}

}  // namespace
}  // namespace astrata::shell
