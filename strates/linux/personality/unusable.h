// What serves the Personality interface of a silo whose root file system cannot be used: every call says why, instead of
// waiting for an answer that nobody gives.
#pragma once

#include "abi/silo_manager.h"

namespace astrata::linux_abi {

class UnusablePersonality final : public abi::PersonalityServer {
public:
    explicit UnusablePersonality(Error reason) : reason_(reason) {}

    void start(sdk::Caller const&, StartRequest const&, StartResponder responder) override { responder.fail(reason_); }
    void wait(sdk::Caller const&, WaitRequest const&, WaitResponder responder) override { responder.fail(reason_); }
    void signal(sdk::Caller const&, SignalRequest const&, SignalResponder responder) override { responder.fail(reason_); }
    void resume(sdk::Caller const&, ResumeRequest const&, ResumeResponder responder) override { responder.fail(reason_); }
    void resize(sdk::Caller const&, ResizeRequest const&, ResizeResponder responder) override { responder.fail(reason_); }
    void process(sdk::Caller const&, ProcessRequest const&, ProcessResponder responder) override { responder.fail(Error::not_found); }
    void trace(sdk::Caller const&, TraceRequest const&, TraceResponder responder) override { responder.fail(reason_); }

private:
    Error const reason_;
};

}  // namespace astrata::linux_abi
