// The terminal behind the console stream: typed lines, keys that interrupt, text out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "abi/stream.h"
#include "apps/chevron/io/channel.h"
#include "apps/chevron/lock.h"
#include "lib/line_editor/line_editor.h"
#include "sdk/environment.h"

namespace astrata::chevron {

/// A thread of its own has a read under way whenever the shell owns the console, so that Ctrl-C is seen while commands
/// run, and no read is ever given up: what was typed could be lost with it. Only the main thread takes what was typed;
/// every thread may write.
class Console final : public line_editor::TerminalOutput {
public:
    /// `terminal_size` is used when the driver does not know the size. Borrowed: `need` outlives the console.
    Console(sdk::Need const& need, std::uint32_t columns, std::uint32_t rows)
        : need_(need), default_columns_(columns), default_rows_(rows) {}

    /// Starts reading; the console lives as long as the process from then on.
    /// errors    no_memory, no_resources
    [[nodiscard]] Result<> start();

    enum class Input : std::uint8_t { line, interrupted, end };
    /// Lets the user edit a line. The text is valid until the next call.
    struct Line {
        Input kind = Input::end;
        std::string_view text;
    };
    Line read_line(std::string_view prompt, line_editor::LineEditor& editor) EXCLUDES(mutex_);

    enum class Control : std::uint8_t { none, interrupt, suspend };
    /// Says whether Ctrl-C or Ctrl-Z has been typed: that and what was typed before it are thrown away, the rest is
    /// kept for whoever reads next. Never waits.
    Control poll() EXCLUDES(mutex_);
    /// One byte that was typed, waiting until `deadline`; -1 if none.
    int read_key(MonotonicNs deadline) EXCLUDES(mutex_);
    [[nodiscard]] bool is_at_end() EXCLUDES(mutex_);

    /// Bytes as they are (the editor's control sequences).
    void write(std::string_view bytes) override;
    /// Text: a line's end also returns to the first column.
    /// errors    those of Stream.write
    [[nodiscard]] Result<> write_text(Bytes text);

    /// Leaves the console to a program that reads it itself: gives back what was typed ahead, and reads no more until
    /// take_back(). Hands out an endpoint of the stream.
    /// errors    those of Stream.unread and handle_duplicate
    [[nodiscard]] Result<sdk::UniqueHandle> lend() EXCLUDES(mutex_);
    void take_back() EXCLUDES(mutex_);

    struct Size {
        std::uint32_t columns = 80;
        std::uint32_t rows = 24;
    };
    [[nodiscard]] Size size() const;

private:
    [[nodiscard]] abi::StreamClient stream() const { return abi::StreamClient(need_.endpoint.get()); }
    static void run(void* console);
    void read_always() EXCLUDES(mutex_);
    void keep(Bytes bytes) EXCLUDES(mutex_);
    void give_back(Bytes bytes);
    /// Waits until something typed is pending; false when nothing came until the deadline, or at the end.
    bool wait_for_input(MonotonicNs deadline) REQUIRES(mutex_);
    [[nodiscard]] std::string_view pending() const REQUIRES(mutex_) {
        return as_text(Bytes(pending_).subspan(first_, used_ - first_));
    }
    [[nodiscard]] Result<> write_all(Bytes bytes);

    sdk::Need const& need_;
    std::uint32_t default_columns_;
    std::uint32_t default_rows_;
    Mutex mutex_;
    Condition changed_;
    std::array<std::byte, 8192> pending_ GUARDED_BY(mutex_);
    std::size_t first_ GUARDED_BY(mutex_) = 0;
    std::size_t used_ GUARDED_BY(mutex_) = 0;
    bool is_lent_ GUARDED_BY(mutex_) = false;
    bool is_reading_ GUARDED_BY(mutex_) = false;  // a read is under way at the driver
    bool is_at_end_ GUARDED_BY(mutex_) = false;
};

/// What commands print on the console; reading from it takes one line after another from the user.
class ConsoleChannel final : public Channel {
public:
    explicit ConsoleChannel(Console& console, line_editor::LineEditor& editor) : console_(console), editor_(editor) {}
    Result<std::size_t> read(MutableBytes into) override;
    Result<> write(Bytes bytes) override { return console_.write_text(bytes); }
    [[nodiscard]] bool is_console() const override { return true; }
    /// Forgets a partly read line.
    void reset() {
        rest_ = {};
        needs_newline_ = false;
    }

private:
    Console& console_;
    line_editor::LineEditor& editor_;
    std::string_view rest_;  // of the line last read, in the editor
    bool needs_newline_ = false;
};

}  // namespace astrata::chevron
