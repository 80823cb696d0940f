// Several commands at once, each reading what the one before wrote: built-in ones on threads of their own, Linux
// programs in their silo.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "apps/chevron/io/pipe.h"
#include "apps/chevron/io/stream_hub.h"
#include "apps/chevron/lock.h"
#include "apps/chevron/run/interpreter.h"
#include "apps/chevron/run/linux_programs.h"
#include "lib/containers/string.h"
#include "lib/containers/vector.h"

namespace astrata::chevron {

class Pipeline : public RefCounted<Pipeline> {
public:
    static constexpr std::size_t length_limit = 16;

    Pipeline(Shell& shell, Ref<Cancellation> cancellation, sdk::UniqueHandle changed)
        : shell_(shell), cancellation_(std::move(cancellation)), changed_(std::move(changed)) {}
    static void destroy(Pipeline* pipeline) { delete pipeline; }

    /// Sets everything up and starts it. What could not be started has told the user and counts as ended.
    /// errors    no_memory, no_resources (too long)
    [[nodiscard]] static Result<Ref<Pipeline>> start(Interpreter& interpreter, shell::Pipeline const& tree);

    enum class State : std::uint8_t { running, stopped, ended };
    [[nodiscard]] State state() EXCLUDES(mutex_);
    /// The last command's, once ended.
    [[nodiscard]] int status() EXCLUDES(mutex_);
    [[nodiscard]] std::string_view text() const { return text_; }

    /// Waits for a change of state, at most until `deadline`.
    void wait(MonotonicNs deadline);
    /// Waits in the foreground: Ctrl-C and Ctrl-Z on the console mean this pipeline, and typed lines are its input if
    /// it asks for them. Returns the state, stopped or ended.
    State wait_in_foreground();
    /// Waits for the end without looking at the console; takes the signals that the cancellation brings.
    void wait_in_background();

    /// Does what the signal is for: to stop, to go on, or to end.
    void signal(std::uint32_t number) EXCLUDES(mutex_);
    /// Makes all of it end: built-in commands at their next step, programs by `number`.
    void end(std::uint32_t number) EXCLUDES(mutex_);
    void resume() EXCLUDES(mutex_);

private:
    struct Element {
        Pipeline* owner = nullptr;
        std::unique_ptr<Interpreter> interpreter;
        std::optional<Prepared> prepared;
        std::optional<LinuxJob> job;
        std::optional<Attachment> attachments[3];
        State state = State::running;  // GUARDED_BY(owner->mutex_)
        int status = 0;                // likewise
    };

    [[nodiscard]] Result<> add(Interpreter& parent, shell::Command const& command, Streams streams);
    [[nodiscard]] Result<> run(Element& element);
    [[nodiscard]] Result<> start_program(Element& element);
    static void run_element(void* element);
    void run_built_in(Element& element);
    void follow_program(Element& element);
    void finish(Element& element, int status) EXCLUDES(mutex_);
    void send(std::uint32_t number) EXCLUDES(mutex_);
    void feed_input();

    Shell& shell_;
    Ref<Cancellation> cancellation_;
    sdk::UniqueHandle changed_;  // notification: an element changed its state
    String text_;
    // The last reference may go on any thread; elements are not added after the start.
    Vector<std::unique_ptr<Element>> elements_;
    Vector<Ref<Pipe>> pipes_;
    Mutex mutex_;
    Condition resumed_;
    // Between the console and the first command's input, while it is in the foreground.
    RefOrNull<Pipe> typed_;
    RefOrNull<Channel> typed_writer_;
};

}  // namespace astrata::chevron
