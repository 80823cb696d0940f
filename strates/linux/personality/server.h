// The Personality interface: starting programs, waiting for them, signalling them, and looking at what runs. On the main
// thread; nothing here waits for a program or a file system.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "abi/silo_manager.h"
#include "sdk/event_loop.h"
#include "strates/linux/personality/job.h"

namespace astrata::linux_abi {

class PersonalityService final : public abi::PersonalityServer, public sdk::SignalHandler {
public:
    /// changes    signalled when a job's state changes; the loop hands that to on_signal
    PersonalityService(Ref<FileSystemContext> context, sdk::UniqueHandle changes)
        : context_(std::move(context)), changes_(std::move(changes)) {}

    void start(sdk::Caller const&, StartRequest const& request, StartResponder responder) override;
    void wait(sdk::Caller const&, WaitRequest const& request, WaitResponder responder) override;
    void signal(sdk::Caller const&, SignalRequest const& request, SignalResponder responder) override;
    void resume(sdk::Caller const&, ResumeRequest const& request, ResumeResponder responder) override;
    void resize(sdk::Caller const&, ResizeRequest const& request, ResizeResponder responder) override;
    void process(sdk::Caller const&, ProcessRequest const& request, ProcessResponder responder) override;
    void trace(sdk::Caller const&, TraceRequest const& request, TraceResponder responder) override;

    /// Some job changed: answers those who wait for it.
    void on_signal(std::uint64_t bits) override;

private:
    /// A job and whom it owes an answer.
    struct Entry {
        Ref<Job> job;
        std::optional<StartResponder> starter;
        Vector<WaitResponder> waiters;
    };

    [[nodiscard]] Entry* find(std::uint64_t id);
    void answer(Entry& entry);
    void forget(std::uint64_t id);
    [[nodiscard]] Result<> run_job(Ref<Job> const& job, StartRequest const& request);

    Ref<FileSystemContext> context_;
    sdk::UniqueHandle const changes_;
    Vector<std::unique_ptr<Entry>> entries_;
    std::uint64_t last_id_ = 0;
};

}  // namespace astrata::linux_abi
