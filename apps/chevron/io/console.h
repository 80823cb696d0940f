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

/// Only the main thread reads; every thread may write. Never more than one read is under way at the driver, and none
/// while a Linux program has the terminal.
class Console final : public line_editor::TerminalOutput {
public:
    /// `terminal_size` is used when the driver does not know the size. Borrowed: `need` outlives the console.
    Console(sdk::Need const& need, std::uint32_t columns, std::uint32_t rows)
        : need_(need), default_columns_(columns), default_rows_(rows) {}

    enum class Input : std::uint8_t { line, interrupted, end };
    /// Lets the user edit a line. The text is valid until the next call.
    struct Line {
        Input kind = Input::end;
        std::string_view text;
    };
    Line read_line(std::string_view prompt, line_editor::LineEditor& editor);

    enum class Control : std::uint8_t { none, interrupt, suspend };
    /// Takes what has been typed, waiting at most `patience_ns`, and says whether Ctrl-C or Ctrl-Z was among it: that
    /// and what was typed before it are thrown away, the rest is kept for whoever reads next.
    Control poll(std::uint64_t patience_ns);
    /// One byte that was typed, waiting at most `patience_ns`; -1 if none.
    int read_key(std::uint64_t patience_ns);
    /// Whether typed bytes are waiting here.
    [[nodiscard]] bool has_pending() const { return first_ != used_; }

    /// Bytes as they are (the editor's control sequences).
    void write(std::string_view bytes) override;
    /// Text: a line's end also returns to the first column.
    /// errors    those of Stream.write
    [[nodiscard]] Result<> write_text(Bytes text);

    /// Gives typed bytes back to the driver and hands out an endpoint of the stream: for a program that reads it
    /// itself. errors    those of Stream.unread and handle_duplicate
    [[nodiscard]] Result<> give_back();
    [[nodiscard]] Result<sdk::UniqueHandle> duplicate() const;

    struct Size {
        std::uint32_t columns = 80;
        std::uint32_t rows = 24;
    };
    [[nodiscard]] Size size() const;
    [[nodiscard]] bool is_at_end() const { return is_at_end_; }

private:
    [[nodiscard]] abi::StreamClient stream() const { return abi::StreamClient(need_.endpoint.get()); }
    /// Reads once more; false when nothing came until the deadline, or at the end.
    bool fill(MonotonicNs deadline);
    [[nodiscard]] std::string_view pending() const { return as_text(Bytes(pending_).subspan(first_, used_ - first_)); }
    [[nodiscard]] Result<> write_all(Bytes bytes);

    sdk::Need const& need_;
    std::uint32_t default_columns_;
    std::uint32_t default_rows_;
    std::array<std::byte, 4096> pending_;
    std::size_t first_ = 0;
    std::size_t used_ = 0;
    bool is_at_end_ = false;
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
