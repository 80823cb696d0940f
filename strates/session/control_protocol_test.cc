#include "strates/session/control_protocol.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace astrata::session {
namespace {

using namespace std::string_literals;

struct ControlProtocolTest : testing::Test {
    // Feeds everything; returns the events and problems in order.
    std::string feed(std::string_view text) {
        std::string all;
        while (!text.empty()) {
            auto const progress = protocol.feed(as_bytes(text));
            text.remove_prefix(progress.consumed);
            if (!progress.problem.empty())
                all += "(" + std::string(progress.problem) + ")";
            if (!progress.event)
                continue;
            auto const& event = *progress.event;
            switch (event.kind) {
            case ControlEvent::Kind::start: all += "start "; break;
            case ControlEvent::Kind::resize:
                all += "size " + std::to_string(event.columns) + "x" + std::to_string(event.rows) + " ";
                break;
            case ControlEvent::Kind::input_closed: all += "closed " + std::to_string(event.number) + " "; break;
            case ControlEvent::Kind::signal: all += "signal " + std::to_string(event.number) + " "; break;
            }
        }
        return all;
    }
    std::string block() {
        std::string all;
        EXPECT_TRUE(parameters.serialize(parameters.program(), [&](Bytes piece) -> Result<> {
            all += as_text(piece);
            return {};
        }));
        return all;
    }

    std::vector<std::byte> storage = std::vector<std::byte>(512);
    std::vector<std::byte> line = std::vector<std::byte>(64);
    shell::ProgramParameters parameters{storage};
    ControlProtocol protocol{line, parameters};
};

TEST_F(ControlProtocolTest, collects_a_request) {
    EXPECT_EQ(feed("command sh -c exit%207 \nenvironment A=1 B=%25%0a\ndirectory /tmp\n"), "");
    EXPECT_EQ(feed("terminal 80 24 xterm\ngo\n"), "start ");
    EXPECT_EQ(block(), "/tmp\0004\0sh\0-c\0exit 7\0\0A=1\0B=%\n\0TERM=xterm\0"s);
    EXPECT_EQ(protocol.terminal()->columns, 80u);
    EXPECT_EQ(protocol.terminal()->rows, 24u);
}

TEST_F(ControlProtocolTest, reports_events_also_in_pieces) {
    EXPECT_EQ(feed("sig"), "");
    EXPECT_EQ(feed("nal INT\nsize 100 5"), "signal 2 ");
    EXPECT_EQ(feed("0\nstdin-closed 12345678901\nsignal 64\n"), "size 100x50 closed 12345678901 signal 64 ");
}

TEST_F(ControlProtocolTest, refuses_nonsense_and_goes_on) {
    EXPECT_EQ(feed("hello\n\ngo\ncommand\ncommand  x\n"),
              "(unknown verb)(unknown verb)(go without a command)(an empty command)(the command's name is empty)");
}

TEST_F(ControlProtocolTest, refuses_bad_words) {
    EXPECT_EQ(feed("command a%2\n"), "(bad escape)");
    EXPECT_EQ(feed("command a%zz\n"), "(bad escape)");
    EXPECT_EQ(feed("command a%00b\n"), "(a NUL byte)");
    EXPECT_EQ(feed("environment A\ndirectory a b\nterminal 80 x y\nterminal 80 25\nsize 1\nsize 1 70000\n"),
              "(environment needs NAME=VALUE)(wrong number of words)(terminal needs two numbers and a type)(terminal "
              "needs two "
              "numbers and a type)(size needs two numbers)(size needs two numbers)");
    EXPECT_EQ(feed("signal 65\nsignal FOO\nsignal 0\nstdin-closed x\nstdin-closed 1 2\nstdin-closed -1\n"),
              "(signal needs a signal)(signal needs a signal)(signal needs a signal)(stdin-closed needs a "
              "number)(stdin-closed needs a number)(stdin-closed needs a number)");
}

TEST_F(ControlProtocolTest, settings_come_before_go) {
    EXPECT_EQ(feed("command a\ncommand b\ngo\ndirectory /\ngo\n"),
              "(a second command)start (unexpected line after go)(unexpected line after go)");
}

TEST_F(ControlProtocolTest, bounds_lines_and_parameters) {
    EXPECT_EQ(feed("command " + std::string(100, 'x') + "\nsignal TERM\n"), "(line too long)signal 15 ");
    for (int number = 0; number < 5; ++number)
        EXPECT_EQ(feed("environment A=" + std::string(48, 'x') + "\n"), "");
    EXPECT_EQ(feed("environment A=" + std::string(51, 'x') + "\nenvironment A=" + std::string(48, 'x') + "\n"),
              "(line too long)(arguments and environment are too long)");
}

TEST(EncodeWord, is_undone_by_decode_word) {
    std::string const word = "a b%\n\xff/=";
    std::string encoded;
    encode_word(word, [&](char character) { encoded += character; });
    EXPECT_EQ(encoded, "a%20b%25%0A%FF/=");
    auto const length = decode_word(encoded);
    EXPECT_EQ(encoded.substr(0, *length), word);
}

}  // namespace
}  // namespace astrata::session
