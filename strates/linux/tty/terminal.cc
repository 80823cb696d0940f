#include "strates/linux/tty/terminal.h"

#include <algorithm>
#include <array>

#include "abi/system_calls.h"
#include "strates/linux/core/make.h"
#include "strates/linux/file/ioctl.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/signal/send.h"
#include "strates/linux/vfs/clock.h"

namespace astrata::linux_abi {

namespace {

constexpr std::uint64_t tenth_of_a_second_ns = 100'000'000;
/// Processed output on its way to the driver.
class CollectingSink final : public TerminalSink {
public:
    void put(Bytes bytes) override {
        auto const part = std::min(bytes.size(), buffer_.size() - length_);
        std::ranges::copy(bytes.first(part), std::span(buffer_).subspan(length_).begin());
        length_ += part;
    }
    [[nodiscard]] Bytes bytes() const { return Bytes(buffer_).first(length_); }

private:
    std::array<std::byte, Terminal::processed_limit> buffer_;
    std::size_t length_ = 0;
};

}  // namespace

// ---- Sessions ----

void Terminal::release_session() {
    session_.store(0, std::memory_order_release);
    foreground_.store(0, std::memory_order_release);
}

void Terminal::set_session(ProcessId session, ProcessId group) {
    session_.store(session, std::memory_order_release);
    foreground_.store(group, std::memory_order_release);
}

LinuxResult<Ref<Terminal>> controlling_terminal() {
    Lock lock(process_table().mutex);
    auto const& terminal = current_process().group->session->terminal;
    if (!terminal)
        return fail(Errno::enxio);
    return Ref<Terminal>::share(static_cast<Terminal&>(*terminal));
}

// Sessions give terminals up by moving the reference out: a terminal's end may wait, and must not with the table
// locked.
LinuxResult<> Terminal::take_as_controlling(Process& process, bool steal) {
    RefOrNull<ControllingTerminal> given_up;
    Lock lock(process_table().mutex);
    auto& session = *process.group->session;
    if (session.terminal.get() == this)
        return {};
    if (session.id != process.id || session.terminal)
        return fail(Errno::eperm);
    if (auto const other = session_.load(std::memory_order_relaxed); other != 0 && other != session.id) {
        if (!steal || !current_task().credentials().has(Capability::sys_admin))
            return fail(Errno::eperm);
        auto* leader = process_table().find_process(other);
        if (leader != nullptr && leader->group->session->terminal.get() == this)
            given_up = std::move(leader->group->session->terminal);
    }
    session.terminal = Ref<ControllingTerminal>::share(*this);
    set_session(session.id, process.group->id);
    return {};
}

void Terminal::adopt_if_leader(Process& process) {
    (void)take_as_controlling(process, false);  // refusal means that it stays an ordinary file
}

LinuxResult<> Terminal::give_up(Process& process) {
    bool was_leader = false;
    RefOrNull<ControllingTerminal> given_up;
    {
        Lock lock(process_table().mutex);
        auto& session = *process.group->session;
        if (session.terminal.get() != this)
            return fail(Errno::enotty);
        was_leader = session.id == process.id;
        if (was_leader)
            given_up = std::move(session.terminal);
    }
    if (was_leader) {
        auto const group = foreground_group();
        release_session();
        if (group != 0) {
            send_to_group(group, SignalInfo::from_kernel(Signal::sighup));
            send_to_group(group, SignalInfo::from_kernel(Signal::sigcont));
        }
    }
    return {};
}

LinuxResult<> Terminal::set_foreground_of(Process& process, ProcessId group) {
    LTRY(check_foreground(Signal::sigttou));
    Lock lock(process_table().mutex);
    auto const& session = process.group->session;
    if (session->terminal.get() != this)
        return fail(Errno::enotty);
    auto* target = process_table().find_group(group);
    if (target == nullptr)
        return fail(Errno::esrch);
    if (target->session.get() != session.get())
        return fail(Errno::eperm);
    foreground_.store(group, std::memory_order_release);
    return {};
}

// What happens to a background process that uses its controlling terminal. Other terminals do not care.
LinuxResult<> Terminal::check_foreground(Signal signal) {
    {
        Lock lock(process_table().mutex);
        auto const& process = current_process();
        if (process.group->session->terminal.get() != this || process.group->id == foreground_group() ||
            foreground_group() == 0)
            return {};
    }
    return signal_background_access(signal);
}

bool Terminal::signal_foreground(Signal signal) {
    Lock lock(process_table().mutex);
    auto const* group = process_table().find_group(foreground_group());
    if (group == nullptr)
        return false;
    bool is_heard = false;
    process_table().for_each_in_group(*group, [&](Process& process) {
        Lock process_lock(process.signal_mutex);
        is_heard = is_heard || (process.task_count != 0 && !process.is_exiting);
    });
    (void)send_to_group_locked(*group, SignalInfo::from_kernel(signal));
    return is_heard;
}

void Terminal::hang_up() {
    if (is_hung_up_.exchange(true, std::memory_order_acq_rel))
        return;
    {
        Lock lock(mutex_);  // a reader between its look and its sleep must not miss this
        readable_.wake_all();
        writable_.wake_all();
    }
    auto const session = session_.load(std::memory_order_acquire);
    if (session == 0)
        return;
    auto const group = foreground_group();
    RefOrNull<ControllingTerminal> given_up;
    {
        Lock lock(process_table().mutex);
        if (auto* leader = process_table().find_process(session); leader != nullptr) {
            (void)send_to_process(*leader, SignalInfo::from_kernel(Signal::sighup));
            (void)send_to_process(*leader, SignalInfo::from_kernel(Signal::sigcont));
            if (leader->group->session->terminal.get() == this)
                given_up = std::move(leader->group->session->terminal);
        }
    }
    if (group != 0 && group != session)
        send_to_group(group, SignalInfo::from_kernel(Signal::sighup));
    release_session();
}

void Terminal::end_input() {
    Lock lock(mutex_);
    is_input_ended_ = true;
    readable_.wake_all();
}

void Terminal::set_window_size(WindowSize size) {
    {
        Lock lock(mutex_);
        if (window_.rows == size.rows && window_.columns == size.columns && window_.pixels_x == size.pixels_x &&
            window_.pixels_y == size.pixels_y)
            return;
        window_ = size;
    }
    (void)signal_foreground(Signal::sigwinch);
}

// ---- Input ----

std::size_t Terminal::receive(Bytes bytes) {
    CollectingSink echo;
    LineDiscipline::InputOutcome outcome;
    {
        Lock lock(mutex_);
        // Echo of a chunk fits the sink: at most eight bytes for each, or the erasing of one line.
        outcome = discipline_.input(bytes.first(std::min(bytes.size(), Terminal::output_chunk)), echo);
        if (discipline_.is_readable())
            readable_.wake_all(poll_event::readable);
        if (outcome.output_resumed)
            writable_.wake_all(poll_event::writable);
    }
    if (!echo.bytes().empty())
        send_echo(echo.bytes());
    if (outcome.interrupt)
        signal_by_key(Signal::sigint);
    if (outcome.quit)
        signal_by_key(Signal::sigquit);
    if (outcome.suspend)
        signal_by_key(Signal::sigtstp);
    return outcome.consumed;
}

bool Terminal::has_room() {
    Lock lock(mutex_);
    return discipline_.listens();
}

std::size_t Terminal::take_unread(MutableBytes into) {
    Lock lock(mutex_);
    return discipline_.take_unread(into);
}

bool Terminal::is_readable_locked() {
    auto const& settings = discipline_.settings();
    if ((settings.local & local_mode::canonical) != 0)
        return discipline_.is_readable();
    auto const minimum = settings[ControlCharacter::time] == 0 ? settings[ControlCharacter::minimum] : 1;
    return discipline_.readable_bytes() >= std::max<std::size_t>(minimum, 1);
}

// Waits as ICANON, VMIN and VTIME say. Success without anything readable means: return 0 bytes.
LinuxResult<> Terminal::wait_for_input_locked(bool non_blocking) {
    auto deadline = never;
    std::size_t seen = 0;
    for (;;) {
        auto const& settings = discipline_.settings();
        bool const is_canonical = (settings.local & local_mode::canonical) != 0;
        std::size_t const minimum = settings[ControlCharacter::minimum];
        std::uint64_t const time = settings[ControlCharacter::time];
        auto const available = discipline_.readable_bytes();
        if (is_canonical ? discipline_.is_readable() : available >= std::max<std::size_t>(minimum, 1))
            return {};
        if (is_hung_up() || is_input_ended_)
            return {};
        if (!is_canonical && minimum == 0 && time == 0)
            return {};
        if (non_blocking)
            return available != 0 && !is_canonical ? LinuxResult<>() : fail(Errno::eagain);
        if (is_canonical) {
            deadline = never;
        } else if (minimum == 0) {
            if (deadline == never)
                deadline = sys::clock_now() + time * tenth_of_a_second_ns;
        } else if (time != 0 && available > seen) {  // the timer runs anew from each byte on
            seen = available;
            deadline = sys::clock_now() + time * tenth_of_a_second_ns;
        }
        if (auto const waited = wait(readable_, mutex_, deadline); !waited) {
            if (waited.error() == Errno::etimedout || (!is_canonical && discipline_.readable_bytes() != 0))
                return {};
            return waited;
        }
    }
}

LinuxResult<std::size_t> Terminal::read(IoBuffer& into, bool non_blocking) {
    LTRY(check_foreground(Signal::sigttin));
    if (into.is_done())
        return std::size_t{0};
    std::array<std::byte, LineDiscipline::capacity> bytes;
    std::size_t count = 0;
    {
        Lock lock(mutex_);
        LTRY(wait_for_input_locked(non_blocking));
        auto const wanted = std::min<std::uint64_t>(bytes.size(), into.remaining());
        count = discipline_.read(MutableBytes(bytes).first(wanted));
        writable_.wake_all(poll_event::writable);
    }
    if (count == 0)
        return count;
    return into.copy_out(Bytes(bytes).first(count));
}

// ---- Output ----

LinuxResult<std::size_t> Terminal::put_out(Bytes bytes, bool non_blocking) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        auto const sent = send(bytes.subspan(done), non_blocking);
        if (!sent)
            return done != 0 ? LinuxResult<std::size_t>(done) : sent;
        done += *sent;
    }
    return done;
}

LinuxResult<std::size_t> Terminal::write(IoBuffer& from, bool non_blocking) {
    bool stops_background = false;
    {
        Lock lock(mutex_);
        stops_background = (discipline_.settings().local & local_mode::stop_background) != 0;
    }
    if (stops_background)
        LTRY(check_foreground(Signal::sigttou));
    std::size_t done = 0;
    while (!from.is_done()) {
        if (is_hung_up())
            return done != 0 ? LinuxResult<std::size_t>(done) : fail(Errno::eio);
        std::array<std::byte, Terminal::output_chunk> chunk;
        auto const count = from.copy_in(chunk);
        if (!count)
            return done != 0 ? LinuxResult<std::size_t>(done) : count;
        CollectingSink sink;
        {
            Lock lock(mutex_);
            while (discipline_.is_output_stopped() && !is_hung_up()) {
                if (non_blocking)
                    return done != 0 ? LinuxResult<std::size_t>(done) : fail(Errno::eagain);
                if (auto const waited = wait(writable_, mutex_); !waited)
                    return done != 0 ? LinuxResult<std::size_t>(done) : fail(waited.error());
            }
            discipline_.write(Bytes(chunk).first(*count), sink);
        }
        Lock output(output_mutex_);
        auto const sent = put_out(sink.bytes(), non_blocking);
        if (!sent)
            return done != 0 ? LinuxResult<std::size_t>(done) : sent;
        done += *count;
        if (*sent < sink.bytes().size())
            break;
    }
    return done;
}

// ---- Readiness and control ----

std::uint32_t Terminal::poll(PollTable* table) {
    if (table != nullptr) {
        table->add(readable_);
        table->add(writable_);
    }
    bool const sendable = can_send(table);
    if (is_hung_up())
        return poll_event::hang_up | poll_event::readable | poll_event::writable | poll_event::error;
    std::uint32_t events = 0;
    Lock lock(mutex_);
    if (is_readable_locked())
        events |= poll_event::readable;
    if (is_input_ended_)
        events |= poll_event::readable | poll_event::hang_up;
    if (sendable && !discipline_.is_output_stopped())
        events |= poll_event::writable;
    return events;
}

LinuxResult<> Terminal::set_termios(Termios const& termios, bool drain, bool flush) {
    LTRY(check_foreground(Signal::sigttou));
    if (drain) {
        // Output is sent before write() returns, so whoever has the output mutex finds it drained.
        Lock output(output_mutex_);
    }
    Lock lock(mutex_);
    if (flush)
        discipline_.flush_input();
    discipline_.set_settings(termios);
    readable_.wake_all();
    writable_.wake_all();
    return {};
}

LinuxResult<std::int64_t> Terminal::ioctl(std::uint32_t request, std::uint64_t argument, bool is_readable) {
    namespace rq = ioctl_request;
    GuestAddress const address{argument};
    auto& process = current_process();
    if (is_hung_up() && request != rq::get_pty_number)
        return fail(Errno::eio);
    auto present = [this] {
        Lock lock(mutex_);
        return discipline_.settings();
    };
    switch (request) {
    case rq::get_termios: LTRY(write_guest(address, present())); return 0;
    case rq::get_termios2: LTRY(write_guest(address, Termios2{.base = present()})); return 0;
    case rq::set_termios:
    case rq::set_termios_drain:
    case rq::set_termios_flush: {
        auto const termios = LTRY(read_guest<Termios>(address));
        LTRY(set_termios(termios, request != rq::set_termios, request == rq::set_termios_flush));
        return 0;
    }
    case rq::set_termios2:
    case rq::set_termios2_drain:
    case rq::set_termios2_flush: {
        auto const termios = LTRY(read_guest<Termios2>(address));
        LTRY(set_termios(termios.base, request != rq::set_termios2, request == rq::set_termios2_flush));
        return 0;
    }
    case rq::get_window_size: {
        WindowSize window;
        {
            Lock lock(mutex_);
            window = window_;
        }
        LTRY(write_guest(address, window));
        return 0;
    }
    case rq::set_window_size: set_window_size(LTRY(read_guest<WindowSize>(address))); return 0;
    case rq::readable_bytes: {
        std::int32_t count = 0;
        {
            Lock lock(mutex_);
            count = static_cast<std::int32_t>(discipline_.readable_bytes());
        }
        LTRY(write_guest(address, count));
        return 0;
    }
    case rq::output_bytes: LTRY(write_guest(address, std::int32_t{0})); return 0;
    case rq::set_controlling_terminal:
        if (!is_readable && !current_task().credentials().has(Capability::sys_admin))
            return fail(Errno::eperm);
        LTRY(take_as_controlling(process, argument == 1));
        return 0;
    case rq::give_up_terminal: LTRY(give_up(process)); return 0;
    case rq::get_foreground_group: {
        {
            Lock lock(process_table().mutex);
            if (process.group->session->terminal.get() != this)
                return fail(Errno::enotty);
        }
        LTRY(write_guest(address, static_cast<std::int32_t>(foreground_group())));
        return 0;
    }
    case rq::set_foreground_group: {
        auto const group = LTRY(read_guest<std::int32_t>(address));
        if (group <= 0)
            return fail(Errno::einval);
        LTRY(set_foreground_of(process, static_cast<ProcessId>(group)));
        return 0;
    }
    case rq::get_session: {
        auto const session = session_.load(std::memory_order_acquire);
        if (session == 0)
            return fail(Errno::enotty);
        LTRY(write_guest(address, static_cast<std::int32_t>(session)));
        return 0;
    }
    case rq::flush: {
        if (argument > 2)  // TCIFLUSH 0, TCOFLUSH 1, TCIOFLUSH 2
            return fail(Errno::einval);
        LTRY(check_foreground(Signal::sigttou));
        Lock lock(mutex_);
        if (argument != 1) {
            discipline_.flush_input();
            writable_.wake_all(poll_event::writable);
        }
        return 0;
    }
    case rq::flow_control: {
        LTRY(check_foreground(Signal::sigttou));
        Lock lock(mutex_);
        if (argument > 3)
            return fail(Errno::einval);
        if (argument <= 1) {  // TCOOFF 0, TCOON 1; TCIOFF and TCION would ask the other end, which has no such notion
            discipline_.set_output_stopped(argument == 0);
            writable_.wake_all();
        }
        return 0;
    }
    case rq::send_break:
    case rq::send_break_timed: {
        LTRY(check_foreground(Signal::sigttou));
        Lock output(output_mutex_);  // drains
        return 0;
    }
    case rq::get_discipline: LTRY(write_guest(address, std::int32_t{0})); return 0;
    case rq::set_discipline: {
        if (LTRY(read_guest<std::int32_t>(address)) != 0)
            return fail(Errno::einval);
        return 0;
    }
    case rq::exclusive:
    case rq::not_exclusive: return 0;
    case rq::insert_input: return fail(Errno::eperm);
    default: return driver_ioctl(request, argument);
    }
}

LinuxResult<std::int64_t> Terminal::driver_ioctl(std::uint32_t, std::uint64_t) {
    return fail(Errno::enotty);
}

LinuxResult<Ref<File>> TerminalFile::open_again(std::uint32_t flags) {
    return Ref<File>(LTRY(make_ref<TerminalFile>(nullptr, terminal_, flags)));
}

LinuxResult<> TerminalFile::read_attributes(Attributes& into) {
    if (auto* of = inode(); of != nullptr)
        return of->read_attributes(into);
    auto const now = file_clock_ns();
    into = Attributes{
        .node = 1,
        .mode = static_cast<std::uint32_t>(FileType::character_device) | 0620,
        .device = terminal_->device_number(),
        .file_system = device_number(0, 13),
        .accessed_ns = now,
        .modified_ns = now,
        .changed_ns = now,
        .created_ns = now,
    };
    return {};
}

}  // namespace astrata::linux_abi
