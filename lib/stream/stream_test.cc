#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lib/stream/output.h"

namespace astrata::stream {
namespace {

// Notes every answer under the number of its request.
struct Answers {
    std::vector<std::pair<int, std::string>> list;
};

class TestResponder {
public:
    TestResponder(Answers& answers, int number) : answers_(&answers), number_(number) {}
    void reply(Bytes bytes) { answers_->list.emplace_back(number_, as_text(bytes)); }
    void reply() { answers_->list.emplace_back(number_, "done"); }
    void fail(Error error) { answers_->list.emplace_back(number_, name_of(error)); }

private:
    Answers* answers_;
    int number_;
};

using Answer = std::pair<int, std::string>;

TEST(Input, readers_get_what_is_there_in_order) {
    Answers answers;
    auto input = Input<TestResponder>::create(16).value();
    input.read(4, {answers, 1});
    EXPECT_TRUE(answers.list.empty());
    EXPECT_EQ(input.receive(as_bytes("abcdef")), 6u);
    input.read(100, {answers, 2});
    EXPECT_EQ(answers.list, (std::vector{Answer(1, "abcd"), Answer(2, "ef")}));
    input.receive(as_bytes("gh"));
    input.read(1, {answers, 3});
    EXPECT_EQ(answers.list.back(), Answer(3, "g"));
    input.read(0, {answers, 4});
    EXPECT_EQ(answers.list.back(), Answer(4, "invalid argument"));
}

TEST(Input, holds_the_device_back) {
    Answers answers;
    auto input = Input<TestResponder>::create(4).value();
    EXPECT_EQ(input.receive(as_bytes("abcdef")), 4u);
    EXPECT_EQ(input.space(), 0u);
    ASSERT_TRUE(input.unread(as_bytes("xy")));  // has room of its own
    EXPECT_EQ(input.space(), 0u);
    input.read(3, {answers, 1});
    EXPECT_EQ(answers.list.back(), Answer(1, "xya"));
    EXPECT_EQ(input.space(), 1u);
    EXPECT_EQ(input.unread(as_bytes(std::string(4002, 'x'))).error(), Error::no_resources);
}

TEST(Input, end_comes_after_the_data_and_can_be_undone) {
    Answers answers;
    auto input = Input<TestResponder>::create(16).value();
    input.receive(as_bytes("tail"));
    input.close();
    input.read(100, {answers, 1});
    input.read(100, {answers, 2});
    EXPECT_EQ(answers.list, (std::vector{Answer(1, "tail"), Answer(2, "")}));
    input.reopen();
    input.read(100, {answers, 3});
    EXPECT_EQ(answers.list.size(), 2u);
    input.close();
    EXPECT_EQ(answers.list.back(), Answer(3, ""));
}

TEST(Input, the_last_reader_has_the_stream) {
    Answers answers;
    auto input = Input<TestResponder>::create(16).value();
    input.read(8, {answers, 1});
    input.read(8, {answers, 2});
    EXPECT_EQ(answers.list, std::vector{Answer(1, "cancelled")});
    input.receive(as_bytes("ab"));
    EXPECT_EQ(answers.list.back(), Answer(2, "ab"));
}

TEST(Input, giving_nothing_back_calls_the_reader_back) {
    Answers answers;
    auto input = Input<TestResponder>::create(16).value();
    ASSERT_TRUE(input.unread({}));
    input.read(8, {answers, 1});
    ASSERT_TRUE(input.unread({}));
    EXPECT_EQ(answers.list, std::vector{Answer(1, "cancelled")});
    EXPECT_FALSE(input.has_readers());
    input.receive(as_bytes("ab"));
    input.read(8, {answers, 2});
    EXPECT_EQ(answers.list.back(), Answer(2, "ab"));
}

TEST(Input, failing_reaches_who_waits) {
    Answers answers;
    auto input = Input<TestResponder>::create(16).value();
    input.read(1, {answers, 1});
    input.fail_all(Error::io);
    EXPECT_EQ(answers.list, std::vector{Answer(1, "input/output error")});
    EXPECT_FALSE(input.has_readers());
}

TEST(Output, is_answered_when_the_last_byte_is_accepted) {
    Answers answers;
    auto output = Output<TestResponder>::create().value();
    output.write(as_bytes("hello"), {answers, 1});
    output.write(as_bytes(""), {answers, 2});
    output.write(as_bytes("world"), {answers, 3});
    EXPECT_EQ(answers.list, std::vector{Answer(2, "done")});
    EXPECT_EQ(as_text(output.pending()), "hello");
    output.accept(3);
    EXPECT_EQ(as_text(output.pending()), "lo");
    output.accept(2);
    EXPECT_EQ(answers.list.back(), Answer(1, "done"));
    EXPECT_EQ(as_text(output.pending()), "world");
    output.accept(5);
    EXPECT_TRUE(output.is_empty());
    EXPECT_TRUE(output.pending().empty());
}

TEST(Output, too_many_writers_are_refused) {
    Answers answers;
    auto output = Output<TestResponder>::create().value();
    for (int number = 0; number < 17; ++number)
        output.write(as_bytes("x"), {answers, number});
    EXPECT_EQ(answers.list, std::vector{Answer(16, "out of resources")});
    output.fail_all(Error::peer_closed);
    EXPECT_EQ(answers.list.size(), 17u);
}

}  // namespace
}  // namespace astrata::stream
