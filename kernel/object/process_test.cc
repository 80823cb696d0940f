#include "kernel/object/process.h"

#include <functional>

#include <gtest/gtest.h>
#include <pthread.h>

#include "kernel/object/fakes_test.h"
#include "kernel/object/lookup.h"

namespace astrata::kernel {
namespace {

class ProcessTest : public ObjectTest, public testing::Test {
protected:
    Ref<Silo> root = make_root();
};

// Calls `work` on a stack about as short as the kernel's, allowing for what the sanitizers add.
void call_on_short_stack(std::function<void()> work) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256U << 10);
    pthread_t thread{};
    auto const run = [](void* raw) -> void* {
        (*static_cast<std::function<void()>*>(raw))();
        return nullptr;
    };
    ASSERT_EQ(pthread_create(&thread, &attributes, run, &work), 0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
}

// Each process holds the only handle of the one before.
TEST_F(ProcessTest, a_chain_of_processes_that_hold_each_other_ends_without_recursion) {
    auto const used = root->memory().used();
    RefOrNull<Process> newest = Process::create(root, "first", abi::IsolationMode::user).value();
    for (int i = 0; i < 1000; ++i) {
        auto next = Process::create(root, "next", abi::IsolationMode::user).value();
        ASSERT_TRUE(next->handles().insert(Ref<Process>::share(*newest), all_rights));
        newest = std::move(next);
    }
    EXPECT_EQ(root->processes.used.load(), 1001U);
    call_on_short_stack([&newest] { newest = nullptr; });
    EXPECT_EQ(root->processes.used.load(), 0U);
    EXPECT_EQ(root->memory().used(), used);
}

TEST_F(ProcessTest, a_thread_that_never_started_lives_as_long_as_its_process_lists_it) {
    auto process = Process::create(root, "process", abi::IsolationMode::user).value();
    {
        auto thread = make_thread(*process);
        ASSERT_TRUE(process->add_thread(*thread));
    }
    EXPECT_EQ(object_fakes.destroyed_threads, 0);
    abi::ProcessInfo info;
    process->fill(info);
    EXPECT_EQ(info.threads, 1U);
    process->kill();
    EXPECT_EQ(object_fakes.destroyed_threads, 1);
    process->fill(info);
    EXPECT_EQ(info.state, abi::ProcessState::killed);
    EXPECT_EQ(info.threads, 0U);
    EXPECT_EQ(process->reference_count(), 1U);
}

TEST_F(ProcessTest, the_first_reason_to_end_stays) {
    auto process = Process::create(root, "process", abi::IsolationMode::user).value();
    auto thread = make_thread(*process);
    ASSERT_TRUE(process->add_thread(*thread));
    EXPECT_TRUE(thread->claim_unstarted());  // as if it ran
    process->exit(3);
    process->kill();
    EXPECT_EQ(process->add_thread(*make_thread(*process)).error(), Error::bad_state);
    process->remove_thread(*thread);
    EXPECT_TRUE(object_fakes.was_signalled(process->ended));
    abi::ProcessInfo info;
    process->fill(info);
    EXPECT_EQ(info.state, abi::ProcessState::exited);
    EXPECT_EQ(info.exit_code, 3);
}

}  // namespace
}  // namespace astrata::kernel
