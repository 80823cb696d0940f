#include "sdk/event_loop.h"

#include <gtest/gtest.h>

#include "abi/vdso_unsupported.h"

namespace astrata::sdk {
namespace {

constexpr unsigned kind_shift = 56;

class EventLoopTest : public testing::Test {
protected:
    EventLoopTest() {
        added_keys.clear();
        astrata_vdso.wait_set_create = [](std::uint64_t* set) -> std::uint64_t {
            *set = 1;
            return 0;
        };
        astrata_vdso.wait_set_add = [](std::uint64_t, std::uint64_t, std::uint64_t key) -> std::uint64_t {
            added_keys.push_back(key);
            return 0;
        };
        // The handle was closed before: the source stays in the set.
        astrata_vdso.wait_set_remove = [](std::uint64_t, std::uint64_t) {
            return static_cast<std::uint64_t>(Error::bad_handle);
        };
        astrata_vdso.reply_and_wait = [](abi::Handle, abi::Message* message, abi::Handle, std::uint64_t) -> std::uint64_t {
            message->key = next_key | std::uint64_t{static_cast<std::uint32_t>(abi::DeliveryKind::signal)} << kind_shift;
            message->words[0] = 1;
            return 0;
        };
    }
    ~EventLoopTest() override { astrata_vdso = unsupported_vdso_table; }

    static inline std::vector<std::uint64_t> added_keys;
    static inline std::uint64_t next_key = 0;
};

struct Counter final : SignalHandler {
    void on_signal(std::uint64_t) override { ++signals; }
    int signals = 0;
};

TEST_F(EventLoopTest, a_closed_source_that_still_signals_does_not_reach_the_one_in_its_place) {
    auto loop = EventLoop::create().value();
    Counter first;
    Counter second;
    ASSERT_TRUE(loop.on_signal(10, first));
    loop.remove(10);
    ASSERT_TRUE(loop.on_signal(11, second));
    next_key = added_keys[0];
    EXPECT_TRUE(loop.run_once(never).value());
    EXPECT_EQ(second.signals, 0);
    next_key = added_keys[1];
    EXPECT_TRUE(loop.run_once(never).value());
    EXPECT_EQ(second.signals, 1);
    EXPECT_EQ(first.signals, 0);
}

}  // namespace
}  // namespace astrata::sdk
