// A console: a terminal whose keyboard and screen are at the other end of Stream endpoints.
#pragma once

#include "strates/linux/streams/stream_input.h"
#include "strates/linux/streams/stream_output.h"
#include "strates/linux/tty/terminal.h"

namespace astrata::linux_abi {

class StreamTerminal final : public Terminal, private StreamConsumer {
public:
    /// input     the stream that is read; output: the stream that is written
    static LinuxResult<Ref<StreamTerminal>> create(sdk::UniqueHandle input, Ref<StreamOutput> output, WindowSize size);

    /// The terminal's programs are in the foreground of the console: what is typed is theirs.
    LinuxResult<> start_input();
    /// They are not, or have ended: unread input goes back to the console.
    void stop_input();

private:
    explicit StreamTerminal(Ref<StreamOutput> output);
    ~StreamTerminal() override;
    void take(Bytes bytes) override;
    void end() override { end_input(); }
    LinuxResult<std::size_t> send(Bytes bytes, bool non_blocking) override;
    bool can_send(PollTable*) override { return true; }
    void send_echo(Bytes bytes) override { (void)output_->write(bytes); }
    void on_unheard(Signal signal) override;

    Ref<StreamOutput> const output_;
    RefOrNull<StreamInput> input_;
    std::atomic<bool> is_stopping_ = false;
    // Ctrl-C or Ctrl-Z that came when the job was ending: whoever reads the console next must not miss it. 0 if none.
    std::atomic<std::uint8_t> unheard_key_ = 0;
};

}  // namespace astrata::linux_abi
