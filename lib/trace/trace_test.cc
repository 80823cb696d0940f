#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "lib/trace/format.h"
#include "lib/trace/reader.h"

namespace astrata::trace {
namespace {

// A ring as Bedrock makes it, written to by hand.
class Ring {
public:
    explicit Ring(std::size_t capacity)
        : memory_((records_offset + capacity * sizeof(abi::TraceRecord)) / sizeof(Page) + 1) {
        auto& made = *new (memory_.data()) RingHeader;
        made.capacity = capacity;
        made.frequency_hz = 1'000'000'000;
    }
    void write(std::uint64_t value) {
        auto& head = header();
        auto const number = head.written.load();
        auto record = abi::trace_silo_end(value);
        record.timestamp = value * 10;
        auto const place = records_offset + number % head.capacity * sizeof(record);
        std::ranges::copy(std::as_bytes(std::span(&record, 1)), bytes().subspan(place).begin());
        head.written.store(number + 1);
    }
    RingHeader& header() { return *reinterpret_cast<RingHeader*>(memory_.data()); }
    MutableBytes bytes() { return std::as_writable_bytes(std::span(memory_)); }

private:
    struct alignas(64) Page {
        std::byte bytes[4096];
    };
    std::vector<Page> memory_;
};

std::vector<std::uint64_t> all(RingReader& reader) {
    std::vector<std::uint64_t> found;
    while (auto const record = reader.next())
        found.push_back(record->words[0]);
    return found;
}

TEST(RingReader, gives_records_in_order_and_once) {
    Ring ring(8);
    auto reader = RingReader::open(ring.bytes()).value();
    EXPECT_FALSE(reader.next_time());
    for (std::uint64_t i = 1; i <= 3; ++i)
        ring.write(i);
    EXPECT_EQ(reader.next_time(), 10U);
    EXPECT_EQ(all(reader), (std::vector<std::uint64_t>{1, 2, 3}));
    ring.write(4);
    EXPECT_EQ(all(reader), std::vector<std::uint64_t>{4});
    EXPECT_EQ(reader.lost(), 0U);
}

TEST(RingReader, counts_what_was_overwritten) {
    Ring ring(4);
    auto reader = RingReader::open(ring.bytes()).value();
    for (std::uint64_t i = 1; i <= 10; ++i)
        ring.write(i);
    // The slot of record 7 is the one that is written next, and may be under way.
    EXPECT_EQ(all(reader), (std::vector<std::uint64_t>{8, 9, 10}));
    EXPECT_EQ(reader.lost(), 7U);
}

TEST(RingReader, can_leave_out_the_past) {
    Ring ring(4);
    ring.write(1);
    auto reader = RingReader::open(ring.bytes()).value();
    reader.skip_to_end();
    ring.write(2);
    EXPECT_EQ(all(reader), std::vector<std::uint64_t>{2});
    EXPECT_EQ(reader.lost(), 0U);
}

TEST(RingReader, refuses_what_is_no_ring) {
    Ring ring(4);
    EXPECT_EQ(RingReader::open(ring.bytes().first(100)).error(), Error::corrupt);
    ring.header().capacity = 1000;
    EXPECT_EQ(RingReader::open(ring.bytes()).error(), Error::corrupt);
    ring.header().capacity = 4;
    ring.header().version = 2;
    EXPECT_EQ(RingReader::open(ring.bytes()).error(), Error::corrupt);
}

std::string shown(abi::TraceRecord const& record) {
    TextBuffer<256> text;
    append_event(text, record);
    return std::string(text.view());
}

TEST(TraceFormat, decodes_events_by_their_declaration) {
    EXPECT_EQ(shown(abi::trace_page_fault(0x7000, 6, 0x401000)),
              "page_fault address=0x7000 error_code=0x6 instruction=0x401000");
    EXPECT_EQ(shown(abi::trace_context_switch(1, 12)), "context_switch state=1 next=12");
    EXPECT_EQ(shown(abi::trace_process_start(5, 4, "virtio-blk")), "process_start process=5 silo=4 name=virtio-blk");
    EXPECT_EQ(shown(abi::trace_thread_start(5, 4, "a name of exactly 32 characters!")),
              "thread_start started=5 process=4 name=a name of exactly 32 characters!");
    abi::TraceRecord unknown;
    unknown.event = static_cast<abi::TraceEvent>(200);
    EXPECT_EQ(shown(unknown), "event_200");
}

TEST(TraceFormat, shows_calls_with_the_arguments_that_they_have) {
    EXPECT_EQ(shown(abi::trace_system_call_enter(2, 0x20004, 7, 7, 7, 7, 7)), "handle_close(handle=0x20004)");
    EXPECT_EQ(shown(abi::trace_system_call_enter(999, 1, 2, 3, 4, 5, 6)), "call_999()");
    EXPECT_EQ(shown(abi::trace_system_call_exit(2, 0)), "system_call_exit number=handle_close status=ok");
    EXPECT_EQ(shown(abi::trace_system_call_exit(2, 1)), "system_call_exit number=handle_close status=bad handle");
}

TEST(TraceFormat, knows_groups_by_name) {
    using enum abi::TraceGroups;
    EXPECT_EQ(groups_named("ipc,life"), ipc | life);
    EXPECT_EQ(groups_named("all"), system_calls | ipc | scheduling | faults | interrupts | timers | life);
    EXPECT_EQ(groups_named("ipc,nothing"), none);
    EXPECT_EQ(groups_named(""), none);
}

}  // namespace
}  // namespace astrata::trace
