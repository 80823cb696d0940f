#include "apps/chevron/io/console.h"

#include <algorithm>

namespace astrata::chevron {
namespace {

constexpr std::size_t chunk_limit = 4000;  // bytes of one Stream.read or Stream.write
constexpr std::uint64_t retry_pause_ns = 20'000'000;
constexpr unsigned retry_limit = 250;     // about 5 s for the driver to come back
constexpr std::byte interrupt_key{0x03};  // Ctrl-C
constexpr std::byte suspend_key{0x1a};    // Ctrl-Z

}  // namespace

bool Console::fill(MonotonicNs deadline) {
    if (first_ == used_)
        first_ = used_ = 0;
    if (first_ != 0) {
        std::ranges::copy(std::span(pending_).subspan(first_, used_ - first_), pending_.begin());
        used_ -= first_;
        first_ = 0;
    }
    auto const room = std::min(pending_.size() - used_, chunk_limit);
    if (room == 0 || is_at_end_)
        return false;
    for (unsigned attempt = 0; attempt < retry_limit; ++attempt) {
        auto const received = stream().read(static_cast<std::uint32_t>(room), deadline);
        if (received) {
            is_at_end_ = received->is_empty();
            std::ranges::copy(received->view(), std::span(pending_).subspan(used_).begin());
            used_ += received->size();
            return !is_at_end_;
        }
        if (received.error() == Error::timed_out || received.error() == Error::would_block)
            return false;
        // The driver died and is being restarted, or somebody else took the stream over for a moment.
        if (sys::clock_now() >= deadline)
            return false;
        (void)sys::thread_sleep(sys::clock_now() + retry_pause_ns);
    }
    is_at_end_ = true;
    return false;
}

Console::Line Console::read_line(std::string_view prompt, line_editor::LineEditor& editor) {
    editor.begin(prompt, size().columns);
    for (;;) {
        auto const progress = editor.feed(pending());
        first_ += progress.consumed;
        switch (progress.outcome) {
        case line_editor::Outcome::line: return {.kind = Input::line, .text = editor.line()};
        case line_editor::Outcome::interrupted: return {.kind = Input::interrupted};
        case line_editor::Outcome::end_of_input: return {.kind = Input::end};
        case line_editor::Outcome::editing: break;
        }
        if (!fill(never)) {
            // The last line of a script needs no newline.
            if (editor.finish_at_end_of_input())
                return {.kind = Input::line, .text = editor.line()};
            return {.kind = Input::end};
        }
    }
}

Console::Control Console::poll(std::uint64_t patience_ns) {
    (void)fill(sys::clock_now() + patience_ns);
    auto const waiting = std::span(pending_).first(used_).subspan(first_);
    auto const key =
        std::ranges::find_last_if(waiting, [](std::byte byte) { return byte == interrupt_key || byte == suspend_key; });
    if (key.empty())
        return Control::none;
    auto const control = key.front() == interrupt_key ? Control::interrupt : Control::suspend;
    first_ = used_ - key.size() + 1;
    return control;
}

int Console::read_key(std::uint64_t patience_ns) {
    if (first_ == used_ && !fill(sys::clock_now() + patience_ns))
        return -1;
    return std::to_integer<int>(pending_[first_++]);
}

Result<> Console::write_all(Bytes bytes) {
    while (!bytes.empty()) {
        auto const part = bytes.first(std::min(bytes.size(), chunk_limit));
        unsigned attempt = 0;
        for (;; ++attempt) {
            auto const written = stream().write(part);
            if (written)
                break;
            if (written.error() != Error::peer_closed || attempt == retry_limit)
                return fail(written.error());
            (void)sys::thread_sleep(sys::clock_now() + retry_pause_ns);
        }
        bytes = bytes.subspan(part.size());
    }
    return {};
}

void Console::write(std::string_view bytes) {
    // A terminal that is gone is noticed by reading.
    (void)write_all(as_bytes(bytes));
}

Result<> Console::write_text(Bytes text) {
    std::array<std::byte, 512> converted;
    std::size_t used = 0;
    for (auto const byte : text) {
        if (used + 2 > converted.size()) {
            TRY(write_all(std::span(converted).first(used)));
            used = 0;
        }
        if (byte == std::byte{'\n'})
            converted[used++] = std::byte{'\r'};
        converted[used++] = byte;
    }
    return write_all(std::span(converted).first(used));
}

Result<> Console::give_back() {
    // The last part first: each goes in front of what is there.
    while (first_ != used_) {
        auto const last = std::min(used_ - first_, chunk_limit);
        TRY(stream().unread(Bytes(pending_).subspan(used_ - last, last)));
        used_ -= last;
    }
    return {};
}

Result<sdk::UniqueHandle> Console::duplicate() const {
    return need_.endpoint.duplicate(abi::Rights::send | abi::Rights::transfer | abi::Rights::duplicate);
}

Console::Size Console::size() const {
    auto const known = stream().size();
    if (known && known->columns != 0 && known->rows != 0)
        return {.columns = known->columns, .rows = known->rows};
    return {.columns = default_columns_, .rows = default_rows_};
}

Result<std::size_t> ConsoleChannel::read(MutableBytes into) {
    if (into.empty())
        return 0;
    if (rest_.empty() && !needs_newline_) {
        auto const line = console_.read_line("", editor_);
        if (line.kind == Console::Input::interrupted)
            return fail(Error::interrupted);
        if (line.kind == Console::Input::end)
            return 0;
        rest_ = line.text;
        needs_newline_ = true;
    }
    auto const count = std::min(into.size(), rest_.size());
    std::ranges::copy(as_bytes(rest_.substr(0, count)), into.begin());
    rest_.remove_prefix(count);
    if (count == into.size())
        return count;
    into[count] = std::byte{'\n'};
    needs_newline_ = false;
    return count + 1;
}

}  // namespace astrata::chevron
