#include "lib/line_editor/line_editor.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lib/line_editor/test_terminal.h"

namespace astrata::line_editor {
namespace {

struct WordCompleter : Completer {
    std::vector<std::string> words;
    void complete(std::string_view line, std::size_t cursor, Completions& completions) override {
        auto const start = line.substr(0, cursor).find_last_of(' ') + 1;
        completions.reset(start);
        for (auto const& word : words) {
            if (word.starts_with(line.substr(start, cursor - start)))
                completions.add(word, ' ');
        }
    }
};

class LineEditorTest : public testing::Test {
protected:
    LineEditorTest() { editor.begin(">>> ", 20); }
    Outcome type(std::string_view text) {
        auto const progress = editor.feed(text);
        EXPECT_EQ(progress.consumed, text.size());
        return progress.outcome;
    }
    // Types a whole line and starts the next one.
    std::string enter(std::string_view text) {
        EXPECT_EQ(type(text), Outcome::editing);
        EXPECT_EQ(type("\r"), Outcome::line);
        std::string line(editor.line());
        history.add(line);
        editor.begin(">>> ", 20);
        return line;
    }
    std::string last_row() const { return terminal.row(terminal.cursor_row()); }

    TestTerminal terminal{20};
    History history;
    WordCompleter completer;
    LineEditor editor{terminal, history, &completer};
};

TEST_F(LineEditorTest, returns_what_was_typed) {
    EXPECT_EQ(enter("ls -l"), "ls -l");
    EXPECT_EQ(terminal.row(0), ">>> ls -l");
}

TEST_F(LineEditorTest, leaves_what_follows_the_line_to_the_next_reader) {
    auto const progress = editor.feed("one\ntwo\n");
    EXPECT_EQ(progress.outcome, Outcome::line);
    EXPECT_EQ(progress.consumed, 4u);
    EXPECT_EQ(editor.line(), "one");
}

TEST_F(LineEditorTest, takes_return_and_line_feed_as_one_end) {
    EXPECT_EQ(type("a\r"), Outcome::line);
    editor.begin(">>> ", 20);
    EXPECT_EQ(type("\nb"), Outcome::editing);
    EXPECT_EQ(editor.line(), "b");
}

TEST_F(LineEditorTest, moves_and_inserts) {
    EXPECT_EQ(enter("ac\x1b[Db"), "abc");
    EXPECT_EQ(enter("bc\x01"
                    "a\x05"
                    "d"),
              "abcd");
    EXPECT_EQ(enter("bc\x1b[Ha\x1b[Fd"), "abcd");
    EXPECT_EQ(enter("bc\x1bOHa\x1bOFd"), "abcd");
    EXPECT_EQ(enter("abd\x02"
                    "c\x06"
                    "e"),
              "abcde");
}

TEST_F(LineEditorTest, moves_and_kills_by_words) {
    EXPECT_EQ(enter("one two\x1b"
                    "bX"),
              "one Xtwo");
    EXPECT_EQ(enter("one two\x01\x1b"
                    "fX"),
              "oneX two");
    EXPECT_EQ(enter("one two\x01\x1b"
                    "d"),
              " two");
    EXPECT_EQ(enter("one two/three\x17"), "one ");
    EXPECT_EQ(enter("one two/three\x1b\x7f"), "one two/");
    EXPECT_EQ(enter("one two\x1b[1;5DX"), "one Xtwo");
}

TEST_F(LineEditorTest, yanks_what_was_killed) {
    EXPECT_EQ(enter("one two\x15"
                    "three \x19"),
              "three one two");
    EXPECT_EQ(enter("one two\x01\x0b"
                    "x \x19"),
              "x one two");
}

TEST_F(LineEditorTest, erases_whole_characters) {
    EXPECT_EQ(enter("a\xc3\xa4\xe2\x82\xac\x7f"), "a\xc3\xa4");
    EXPECT_EQ(enter("a\xc3\xa4\x01\x1b[C\x1b[3~"), "a");
    EXPECT_EQ(enter("ab\x01\x04"), "b");
}

TEST_F(LineEditorTest, transposes) {
    EXPECT_EQ(enter("ab\x14"), "ba");
    EXPECT_EQ(enter("a\xc3\xa4\x14"), "\xc3\xa4"
                                      "a");
    EXPECT_EQ(enter("abc\x1b[D\x14"
                    "x"),
              "acbx");
    EXPECT_EQ(enter("a\x14"), "a");
}

TEST_F(LineEditorTest, drops_malformed_text_and_unknown_sequences) {
    EXPECT_EQ(enter("a\xff\xc3(b"), "a(b");
    EXPECT_EQ(enter("a\x1b[99;5~\x1b[?25h\x1b]0;title\x07\x1bPq\x1b\\b\x1b[Z"), "ab");
    EXPECT_EQ(enter("a\x1b[200~b\tc\x1b[201~d"), "ab cd");
}

TEST_F(LineEditorTest, control_characters_break_sequences) {
    EXPECT_EQ(type("abc\x1b[1\x03"), Outcome::interrupted);
    EXPECT_EQ(terminal.row(0), ">>> abc^C");
    editor.begin(">>> ", 20);
    EXPECT_EQ(type("\x1b]endless\r"), Outcome::line);
}

TEST_F(LineEditorTest, control_d_ends_the_input_only_on_an_empty_line) {
    EXPECT_EQ(type("a\x04"), Outcome::editing);
    EXPECT_EQ(type("\x7f\x04"), Outcome::end_of_input);
}

TEST_F(LineEditorTest, wraps_long_lines) {
    type("0123456789abcdefghijklmnop");
    EXPECT_EQ(terminal.row(0), ">>> 0123456789abcdef");
    EXPECT_EQ(terminal.row(1), "ghijklmnop");
    type("\x01X");
    EXPECT_EQ(terminal.row(0), ">>> X0123456789abcde");
    EXPECT_EQ(terminal.row(1), "fghijklmnop");
    EXPECT_EQ(terminal.cursor_row(), 0u);
    EXPECT_EQ(terminal.cursor_column(), 5u);
    type("\x0b");
    EXPECT_EQ(terminal.row(0), ">>> X");
    EXPECT_EQ(terminal.row(1), "");
}

TEST_F(LineEditorTest, stands_on_the_next_row_after_a_full_one) {
    type("0123456789abcdef");
    EXPECT_EQ(terminal.cursor_row(), 1u);
    EXPECT_EQ(terminal.cursor_column(), 0u);
    type("\x7f");
    EXPECT_EQ(terminal.cursor_row(), 0u);
    EXPECT_EQ(terminal.cursor_column(), 19u);
    type("f\r");
    editor.begin(">>> ", 20);
    EXPECT_EQ(terminal.row(1), ">>>");
}

TEST_F(LineEditorTest, counts_wide_and_combining_characters_in_cells) {
    type("\xe6\xbc\xa2"
         "e\xcc\x81");
    EXPECT_EQ(terminal.cursor_column(), 7u);
    // A wide character does not split over two rows.
    type("0123456789ab\xe6\xbc\xa2");
    EXPECT_EQ(terminal.row(1), "\xe6\xbc\xa2");
    EXPECT_EQ(terminal.cursor_column(), 2u);
}

TEST_F(LineEditorTest, refuses_text_beyond_the_limit) {
    std::string const much(line_limit, 'x');
    type(much);
    type("y");
    EXPECT_EQ(editor.line().size(), line_limit);
    EXPECT_EQ(terminal.bells, 1);
    EXPECT_EQ(type("\r"), Outcome::line);
}

TEST_F(LineEditorTest, walks_through_the_history) {
    enter("first");
    enter("second");
    enter("first");
    EXPECT_EQ(history.count(), 2u);
    type("unfin");
    type("\x1b[A");
    EXPECT_EQ(editor.line(), "first");
    type("\x1b[A\x1b[A");
    EXPECT_EQ(editor.line(), "second");
    type("\x1b[B\x1b[B");
    EXPECT_EQ(editor.line(), "unfin");
    EXPECT_EQ(last_row(), ">>> unfin");
}

TEST_F(LineEditorTest, searches_the_history) {
    enter("ls /bin");
    enter("cat x");
    enter("ls /etc");
    type("\x12"
         "ls");
    EXPECT_EQ(editor.line(), "ls /etc");
    EXPECT_EQ(last_row(), "(search `ls'): ls /e");
    EXPECT_EQ(terminal.cursor_column(), 15u);  // on the match
    type("\x12");
    EXPECT_EQ(editor.line(), "ls /bin");
    EXPECT_EQ(type("\r"), Outcome::line);
    EXPECT_EQ(editor.line(), "ls /bin");
}

TEST_F(LineEditorTest, leaves_a_search_with_the_old_line) {
    enter("ls");
    type("old");
    type("\x12l\x07");
    EXPECT_EQ(editor.line(), "old");
    EXPECT_EQ(last_row(), ">>> old");
    type("\x12l\x1b[D");
    EXPECT_EQ(editor.line(), "ls");
    EXPECT_EQ(last_row(), ">>> ls");
    EXPECT_EQ(type("\x12zzz\x03"), Outcome::interrupted);
}

TEST_F(LineEditorTest, completes_a_single_match_with_a_blank) {
    completer.words = {"reboot", "shutdown"};
    EXPECT_EQ(enter("re\t"), "reboot ");
    EXPECT_EQ(enter("echo sh\tx"), "echo shutdown x");
}

TEST_F(LineEditorTest, completes_what_is_common_and_lists_on_the_second_tab) {
    completer.words = {"mount", "mountain", "mkdir"};
    type("mo\t");
    EXPECT_EQ(editor.line(), "mount");
    type("\t");
    EXPECT_EQ(terminal.bells, 1);
    type("\t");
    EXPECT_EQ(terminal.row(1), "mount     mountain");
    EXPECT_EQ(terminal.row(2), ">>> mount");
    type("x");
    EXPECT_EQ(terminal.row(2), ">>> mountx");
}

TEST_F(LineEditorTest, rings_when_nothing_matches) {
    type("zz\t");
    EXPECT_EQ(terminal.bells, 1);
}

TEST_F(LineEditorTest, clears_the_screen) {
    enter("one");
    type("two\x0c");
    EXPECT_EQ(terminal.row(0), ">>> two");
    EXPECT_EQ(terminal.cursor_column(), 7u);
}

TEST(History, forgets_the_oldest_when_full) {
    History history;
    for (int number = 0; number < 1000; ++number)
        history.add(std::string(200, 'x') + std::to_string(number));
    EXPECT_LE(history.count(), History::entry_limit);
    EXPECT_EQ(history.entry(history.count() - 1), std::string(200, 'x') + "999");
    history.add("   ");
    EXPECT_EQ(history.entry(history.count() - 1), std::string(200, 'x') + "999");
}

}  // namespace
}  // namespace astrata::line_editor
