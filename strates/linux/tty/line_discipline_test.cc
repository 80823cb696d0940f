#include "strates/linux/tty/line_discipline.h"

#include <gtest/gtest.h>

#include <string>

namespace astrata::linux_abi {
namespace {

class Screen final : public TerminalSink {
public:
    void put(Bytes bytes) override { text += as_text(bytes); }
    std::string take() { return std::exchange(text, {}); }
    std::string text;
};

class LineDisciplineTest : public ::testing::Test {
protected:
    LineDiscipline::InputOutcome type(std::string_view keys) { return discipline.input(as_bytes(keys), screen); }
    std::string read(std::size_t limit = 1000) {
        std::vector<std::byte> buffer(limit);
        auto const count = discipline.read(buffer);
        return std::string(as_text(Bytes(buffer).first(count)));
    }
    void change(auto edit) {
        auto termios = discipline.settings();
        edit(termios);
        discipline.set_settings(termios);
    }
    void make_raw() {
        change([](Termios& termios) {
            termios.local &= ~(local_mode::canonical | local_mode::echo | local_mode::signals);
            termios.input &= ~(input_mode::return_to_newline | input_mode::flow_control_output);
        });
    }

    LineDiscipline discipline;
    Screen screen;
};

TEST_F(LineDisciplineTest, gives_whole_lines_only) {
    type("hel");
    EXPECT_FALSE(discipline.is_readable());
    EXPECT_EQ(discipline.readable_bytes(), 0u);
    type("lo\rnext");
    EXPECT_TRUE(discipline.is_readable());
    EXPECT_EQ(discipline.readable_bytes(), 6u);
    EXPECT_EQ(read(), "hello\n");
    EXPECT_FALSE(discipline.is_readable());
    EXPECT_EQ(screen.take(), "hello\r\nnext");
}

TEST_F(LineDisciplineTest, reads_one_line_at_a_time_and_in_pieces) {
    type("one\ntwo\n");
    EXPECT_EQ(read(2), "on");
    EXPECT_EQ(read(), "e\n");
    EXPECT_EQ(read(), "two\n");
}

TEST_F(LineDisciplineTest, erases_characters_words_and_lines) {
    type("abc\x7f\x7f");
    EXPECT_EQ(screen.take(), "abc\b \b\b \b");
    type("\x15");  // ^U
    EXPECT_EQ(screen.take(), "\b \b");
    type("\x7f");  // nothing left to erase
    EXPECT_EQ(screen.take(), "");
    type("one two  \x17x\r");  // ^W takes the spaces and the word
    EXPECT_EQ(read(), "one x\n");
}

TEST_F(LineDisciplineTest, does_not_erase_into_finished_lines) {
    type("done\n\x7f\x7fnew\n");
    EXPECT_EQ(read(), "done\n");
    EXPECT_EQ(read(), "new\n");
}

TEST_F(LineDisciplineTest, erases_tabs_and_control_characters_by_their_width) {
    type("a\t");
    screen.take();
    type("\x7f");
    EXPECT_EQ(screen.take(), "\b\b\b\b\b\b\b");
    type("\x01");  // ^A
    EXPECT_EQ(screen.take(), "^A");
    type("\x7f");
    EXPECT_EQ(screen.take(), "\b \b\b \b");
}

TEST_F(LineDisciplineTest, erases_whole_utf8_characters) {
    change([](Termios& termios) { termios.input |= input_mode::utf8; });
    type("x\xc3\xa9\x7fy\r");
    EXPECT_EQ(read(), "xy\n");
}

TEST_F(LineDisciplineTest, ends_the_file_at_the_beginning_of_a_line_only) {
    type("\x04");
    EXPECT_TRUE(discipline.is_readable());
    EXPECT_EQ(read(), "");
    EXPECT_FALSE(discipline.is_readable());
    type("abc\x04");
    EXPECT_EQ(discipline.readable_bytes(), 3u);
    EXPECT_EQ(read(), "abc");
    EXPECT_FALSE(discipline.is_readable());
    type("abc\x04");
    EXPECT_EQ(read(3), "abc");  // exactly: the mark goes with it
    EXPECT_FALSE(discipline.is_readable());
}

TEST_F(LineDisciplineTest, turns_signal_characters_into_signals) {
    auto outcome = type("typed\x03");
    EXPECT_TRUE(outcome.interrupt);
    EXPECT_FALSE(discipline.is_readable());
    EXPECT_EQ(screen.take(), "typed^C");
    type("x\n");
    EXPECT_EQ(read(), "x\n");  // what was typed before is gone
    EXPECT_TRUE(type("\x1a").suspend);
    EXPECT_TRUE(type("\x1c").quit);
    change([](Termios& termios) { termios.local &= ~local_mode::signals; });
    EXPECT_FALSE(type("\x03\n").interrupt);
    EXPECT_EQ(read(), "\x03\n");
}

TEST_F(LineDisciplineTest, keeps_input_across_signals_if_told) {
    change([](Termios& termios) { termios.local |= local_mode::no_flush; });
    type("kept\x03\n");
    EXPECT_EQ(read(), "kept\n");
}

TEST_F(LineDisciplineTest, takes_the_next_character_literally) {
    type("\x16\x03\r");
    EXPECT_EQ(read(), "\x03\n");
}

TEST_F(LineDisciplineTest, stops_and_restarts_output) {
    type("\x13");
    EXPECT_TRUE(discipline.is_output_stopped());
    EXPECT_TRUE(type("\x11").output_resumed);
    EXPECT_FALSE(discipline.is_output_stopped());
    EXPECT_FALSE(discipline.is_readable());
}

TEST_F(LineDisciplineTest, passes_everything_through_when_raw) {
    make_raw();
    type("a\r\x03\x7f");
    EXPECT_EQ(discipline.readable_bytes(), 4u);
    EXPECT_EQ(read(), "a\r\x03\x7f");
    EXPECT_EQ(screen.take(), "");
}

TEST_F(LineDisciplineTest, keeps_what_was_typed_when_the_mode_changes) {
    type("half");
    make_raw();
    EXPECT_EQ(read(), "half");
    type("xy");
    change([](Termios& termios) { termios.local |= local_mode::canonical; });
    EXPECT_TRUE(discipline.is_readable());
    EXPECT_EQ(read(), "xy");
}

TEST_F(LineDisciplineTest, takes_no_more_than_fits_when_raw) {
    make_raw();
    std::string const many(LineDiscipline::capacity + 100, 'x');
    auto const outcome = type(many);
    EXPECT_EQ(outcome.consumed, LineDiscipline::capacity - 1);
    EXPECT_FALSE(discipline.has_room());
    EXPECT_EQ(read(10000).size(), LineDiscipline::capacity - 1);
    EXPECT_EQ(type("y").consumed, 1u);
}

TEST_F(LineDisciplineTest, keeps_all_lines_while_nobody_reads) {
    std::string sent, received;
    for (int number = 0; number < 2000; ++number)
        sent += std::to_string(number) + "\n";
    for (std::size_t done = 0; done < sent.size();) {
        auto const consumed = type(sent.substr(done)).consumed;
        done += consumed;
        if (done < sent.size())
            EXPECT_FALSE(discipline.listens());
        while (discipline.is_readable())
            received += read(10000);
        ASSERT_NE(consumed, 0u);
    }
    EXPECT_EQ(received, sent);
}

TEST_F(LineDisciplineTest, hears_signals_when_full) {
    type(std::string(LineDiscipline::capacity - 2, 'x') + "\n");
    EXPECT_EQ(type("y").consumed, 0u);
    EXPECT_TRUE(type("\x03").interrupt);
    EXPECT_EQ(type("y").consumed, 1u);  // they flush what nobody has read
}

TEST_F(LineDisciplineTest, still_ends_a_line_that_is_too_long) {
    type(std::string(LineDiscipline::capacity + 100, 'x') + "\n");
    auto const line = read(10000);
    EXPECT_EQ(line.size(), LineDiscipline::capacity);
    EXPECT_EQ(line.back(), '\n');
}

TEST_F(LineDisciplineTest, processes_output) {
    discipline.write(as_bytes("a\nb"), screen);
    EXPECT_EQ(screen.take(), "a\r\nb");
    change([](Termios& termios) { termios.output |= output_mode::expand_tabs; });
    discipline.write(as_bytes("\t|"), screen);
    EXPECT_EQ(screen.take(), "       |");
    change([](Termios& termios) { termios.output = 0; });
    discipline.write(as_bytes("a\n\t"), screen);
    EXPECT_EQ(screen.take(), "a\n\t");
}

TEST_F(LineDisciplineTest, echoes_newlines_alone_if_told) {
    change([](Termios& termios) {
        termios.local &= ~local_mode::echo;
        termios.local |= local_mode::echo_newline;
    });
    type("secret\r");
    EXPECT_EQ(screen.take(), "\r\n");
}

TEST_F(LineDisciplineTest, gives_back_what_was_not_read) {
    type("read\nunread\nhalf");
    EXPECT_EQ(read(), "read\n");
    std::array<std::byte, 100> buffer{};
    auto const count = discipline.take_unread(buffer);
    EXPECT_EQ(as_text(Bytes(buffer).first(count)), "unread\nhalf");
    EXPECT_FALSE(discipline.is_readable());
}

TEST_F(LineDisciplineTest, survives_any_input) {
    // All bytes, in all orders of a small generator, under changing settings.
    std::uint32_t state = 1;
    auto next = [&] { return state = state * 1664525 + 1013904223; };
    for (int round = 0; round < 200; ++round) {
        change([&](Termios& termios) {
            termios.local = next() >> 16;
            termios.input = next() >> 16;
            termios.output = next() >> 16;
        });
        std::string bytes;
        for (int index = 0; index < 300; ++index)
            bytes += static_cast<char>(next() >> 24);
        type(bytes);
        auto const readable = discipline.readable_bytes();
        EXPECT_LE(readable, LineDiscipline::capacity);
        read(next() % 500);
        discipline.write(as_bytes(bytes), screen);
        screen.take();
    }
}

}  // namespace
}  // namespace astrata::linux_abi
