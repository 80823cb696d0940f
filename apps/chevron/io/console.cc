#include "apps/chevron/io/console.h"

#include <algorithm>

#include "sdk/thread.h"

namespace astrata::chevron {
namespace {

constexpr std::size_t chunk_limit = 4000;  // bytes of one Stream.read or Stream.write
constexpr std::uint64_t retry_pause_ns = 20'000'000;
constexpr unsigned retry_limit = 250;  // about 5 s for the driver to come back
constexpr std::uint64_t recall_pause_ns = 5'000'000;
constexpr unsigned recall_limit = 40;
constexpr std::byte interrupt_key{0x03};  // Ctrl-C
constexpr std::byte suspend_key{0x1a};    // Ctrl-Z

}  // namespace

Result<> Console::start() {
    TRY(sdk::Thread::spawn(&run, this, "console"));
    return {};
}

void Console::run(void* console) {
    static_cast<Console*>(console)->read_always();
}

// ---- The reading thread ----

void Console::read_always() {
    unsigned failures = 0;
    for (;;) {
        {
            Lock lock(mutex_);
            is_reading_ = false;
            changed_.notify_all();
            // Typing ahead has its limits: beyond them the driver holds the bytes.
            while (is_lent_ || pending_.size() - (used_ - first_) < chunk_limit)
                changed_.wait(mutex_);
            is_reading_ = true;
        }
        auto const received = stream().read(chunk_limit);
        if (received && !received->is_empty()) {
            failures = 0;
            keep(received->view());
            continue;
        }
        // `cancelled`: the read was called back by lend(), or by another reader. Else the driver has died and is being
        // restarted.
        if (!received && (received.error() == Error::cancelled || ++failures < retry_limit)) {
            if (received.error() != Error::cancelled)
                (void)sys::thread_sleep(sys::clock_now() + retry_pause_ns);
            continue;
        }
        Lock lock(mutex_);
        is_at_end_ = true;
        is_reading_ = false;
        changed_.notify_all();
        return;
    }
}

void Console::keep(Bytes bytes) {
    {
        Lock lock(mutex_);
        if (!is_lent_) {
            if (first_ != 0) {
                std::ranges::copy(std::span(pending_).subspan(first_, used_ - first_), pending_.begin());
                used_ -= first_;
                first_ = 0;
            }
            std::ranges::copy(bytes, std::span(pending_).subspan(used_).begin());
            used_ += bytes.size();
            changed_.notify_all();
            return;
        }
    }
    // It came for the program that has the console now.
    give_back(bytes);
}

void Console::give_back(Bytes bytes) {
    // The last part first: each goes in front of what is there.
    while (!bytes.empty()) {
        auto const last = bytes.last(std::min(bytes.size(), chunk_limit));
        if (!stream().unread(last))
            return;  // a driver that is gone has forgotten the rest too
        bytes = bytes.first(bytes.size() - last.size());
    }
}

// ---- The main thread ----

bool Console::wait_for_input(MonotonicNs deadline) {
    while (first_ == used_ && !is_at_end_) {
        if (!changed_.wait(mutex_, deadline) && first_ == used_)
            return false;
    }
    return first_ != used_;
}

Console::Line Console::read_line(std::string_view prompt, line_editor::LineEditor& editor) {
    editor.begin(prompt, size().columns);
    std::array<char, 512> typed;
    for (;;) {
        std::size_t count = 0;
        {
            Lock lock(mutex_);
            if (wait_for_input(never)) {
                count = std::min(pending().size(), typed.size());
                std::ranges::copy(pending().substr(0, count), typed.begin());
            }
        }
        if (count == 0) {
            // The last line of a script needs no newline.
            if (editor.finish_at_end_of_input())
                return {.kind = Input::line, .text = editor.line()};
            return {.kind = Input::end};
        }
        // Without the lock: completion asks others, and the screen may be slow. Only this thread takes from `pending_`.
        auto const progress = editor.feed(std::string_view(typed.data(), count));
        {
            Lock lock(mutex_);
            first_ += progress.consumed;
            changed_.notify_all();
        }
        switch (progress.outcome) {
        case line_editor::Outcome::line: return {.kind = Input::line, .text = editor.line()};
        case line_editor::Outcome::interrupted: return {.kind = Input::interrupted};
        case line_editor::Outcome::end_of_input: return {.kind = Input::end};
        case line_editor::Outcome::editing: break;
        }
    }
}

Console::Control Console::poll() {
    Lock lock(mutex_);
    auto const waiting = std::span(pending_).first(used_).subspan(first_);
    auto const key =
        std::ranges::find_last_if(waiting, [](std::byte byte) { return byte == interrupt_key || byte == suspend_key; });
    if (key.empty())
        return Control::none;
    auto const control = key.front() == interrupt_key ? Control::interrupt : Control::suspend;
    first_ = used_ - key.size() + 1;
    changed_.notify_all();
    return control;
}

int Console::read_key(MonotonicNs deadline) {
    Lock lock(mutex_);
    if (!wait_for_input(deadline))
        return -1;
    auto const key = std::to_integer<int>(pending_[first_]);
    ++first_;
    changed_.notify_all();
    return key;
}

bool Console::is_at_end() {
    Lock lock(mutex_);
    return is_at_end_ && first_ == used_;
}

Result<sdk::UniqueHandle> Console::lend() {
    auto endpoint = TRY(need_.endpoint.duplicate(abi::Rights::send | abi::Rights::transfer | abi::Rights::duplicate));
    std::array<std::byte, sizeof(pending_)> ahead;
    std::size_t count = 0;
    {
        Lock lock(mutex_);
        is_lent_ = true;
        count = used_ - first_;
        std::ranges::copy(std::span(pending_).subspan(first_, count), ahead.begin());
        first_ = used_ = 0;
    }
    // Giving nothing back calls our own read back. If that has just been answered, its bytes were typed after the
    // pending ones, so the thread must have given them back before. Repeated, since the thread may be on its way to the
    // driver.
    for (unsigned attempt = 0; attempt < recall_limit; ++attempt) {
        (void)stream().unread({});
        Lock lock(mutex_);
        if (is_reading_)
            changed_.wait(mutex_, sys::clock_now() + recall_pause_ns);
        if (!is_reading_)
            break;
    }
    give_back(std::span(ahead).first(count));
    return endpoint;
}

void Console::take_back() {
    Lock lock(mutex_);
    is_lent_ = false;
    changed_.notify_all();
}

// ---- The screen ----

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
