// A terminal: line discipline, job control, and the files that programs open on it. What is at the other end (the
// console, a pty's master) is a TerminalDriver.
//
// Locks: the terminal's mutex comes before the process table's. The output mutex is taken outside it and is held while
// the driver sends, so that what several writers and the echo put out stays in order.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/ref.h"
#include "strates/linux/core/lock.h"
#include "strates/linux/core/wait.h"
#include "strates/linux/file/file.h"
#include "strates/linux/process/session.h"
#include "strates/linux/tty/line_discipline.h"

namespace astrata::linux_abi {

class Process;

class Terminal : public ControllingTerminal {
public:
    // ---- ControllingTerminal; called with the process table's mutex held ----
    [[nodiscard]] std::uint32_t device_number() const override { return device_; }
    [[nodiscard]] ProcessId foreground_group() const override { return foreground_.load(std::memory_order_acquire); }
    void release_session() override;

    // ---- For the other end ----

    /// Bytes typed. Returns how many were taken: fewer when a raw reader lags behind.
    std::size_t receive(Bytes bytes);
    /// Whether receive() would take at least a byte; the queue tells when that changes.
    [[nodiscard]] bool has_room();
    [[nodiscard]] WaitQueue& room_queue() { return writable_; }
    /// The other end is gone: readers see the end of file, writers EIO, the session SIGHUP.
    void hang_up();
    /// No more input will come (the console's stream was closed); output goes on.
    void end_input();
    void set_window_size(WindowSize size);
    /// Starting a job: `group` in session `session` is in the foreground.
    void set_session(ProcessId session, ProcessId group);
    void set_foreground(ProcessId group) { foreground_.store(group, std::memory_order_release); }
    /// What nobody read, for the next user of a shared console.
    std::size_t take_unread(MutableBytes into);

    // ---- For TerminalFile ----
    LinuxResult<std::size_t> read(IoBuffer& into, bool non_blocking);
    LinuxResult<std::size_t> write(IoBuffer& from, bool non_blocking);
    LinuxResult<std::int64_t> ioctl(std::uint32_t request, std::uint64_t argument, bool is_readable);
    std::uint32_t poll(PollTable* table);
    /// A session leader that has no terminal gets this one, if it is free (open without O_NOCTTY).
    void adopt_if_leader(Process& process);
    virtual void on_open() {}
    virtual void on_file_end() {}

    /// Bytes of programs or of input that are processed at a time, and what may become of them: a tab is eight blanks.
    static constexpr std::size_t output_chunk = 1024;
    static constexpr std::size_t processed_limit = 8 * output_chunk;

protected:
    explicit Terminal(std::uint64_t device) : device_(static_cast<std::uint32_t>(device)) {}
    ~Terminal() override = default;

    /// Sends processed output. May wait, unless `non_blocking`. Returns how much went out; called with the output mutex
    /// held.
    /// errors    eagain, eio, erestartsys
    virtual LinuxResult<std::size_t> send(Bytes bytes, bool non_blocking) = 0;
    /// Whether send would take something now; adds the queue that tells of it.
    virtual bool can_send(PollTable* table) = 0;
    /// Output of the echo: never waits, drops what does not fit.
    virtual void send_echo(Bytes bytes) = 0;
    /// A key that stands for a signal was typed when no process was in the foreground to take it.
    virtual void on_unheard(Signal) {}
    virtual LinuxResult<std::int64_t> driver_ioctl(std::uint32_t request, std::uint64_t argument);
    [[nodiscard]] bool is_hung_up() const { return is_hung_up_.load(std::memory_order_acquire); }

private:
    LinuxResult<> check_foreground(Signal signal);
    LinuxResult<> wait_for_input_locked(bool non_blocking) REQUIRES(mutex_);
    [[nodiscard]] bool is_readable_locked() REQUIRES(mutex_);
    LinuxResult<std::size_t> put_out(Bytes bytes, bool non_blocking);
    LinuxResult<> set_termios(Termios const& termios, bool drain, bool flush);
    LinuxResult<> set_foreground_of(Process& process, ProcessId group);
    LinuxResult<> take_as_controlling(Process& process, bool steal);
    LinuxResult<> give_up(Process& process);
    /// To the group in the foreground; false if all of it is at its end already.
    bool signal_foreground(Signal signal);
    void signal_by_key(Signal signal) {
        if (!signal_foreground(signal))
            on_unheard(signal);
    }

    std::uint32_t const device_;
    // Changed under the process table's mutex, read without it.
    std::atomic<ProcessId> session_ = 0;
    std::atomic<ProcessId> foreground_ = 0;
    std::atomic<bool> is_hung_up_ = false;

    Mutex output_mutex_;
    Mutex mutex_;
    LineDiscipline discipline_ GUARDED_BY(mutex_);
    WindowSize window_ GUARDED_BY(mutex_);
    bool is_input_ended_ GUARDED_BY(mutex_) = false;
    WaitQueue readable_;
    WaitQueue writable_;  // output resumed, or room for input
};

/// An open terminal.
class TerminalFile final : public File {
public:
    static constexpr char kind_mark = 0;
    /// path    null for a console handed in from outside
    TerminalFile(Path const* path, Ref<Terminal> terminal, std::uint32_t flags)
        : File(path, flags), terminal_(std::move(terminal)) {
        terminal_->on_open();
    }

    LinuxResult<std::size_t> read(IoBuffer& into, std::uint64_t&) override {
        return terminal_->read(into, is_non_blocking());
    }
    LinuxResult<std::size_t> write(IoBuffer& from, std::uint64_t&) override {
        return terminal_->write(from, is_non_blocking());
    }
    LinuxResult<std::int64_t> ioctl(std::uint32_t request, std::uint64_t argument) override {
        return terminal_->ioctl(request, argument, can_read());
    }
    std::uint32_t poll(PollTable* table) override { return terminal_->poll(table); }
    LinuxResult<> read_attributes(Attributes& into) override;
    LinuxResult<Ref<File>> open_again(std::uint32_t flags) override;
    std::string_view describe(std::span<char>) const override { return "/dev/console"; }
    [[nodiscard]] void const* kind() const override { return &kind_mark; }
    [[nodiscard]] Terminal& terminal() const { return *terminal_; }

private:
    ~TerminalFile() override { terminal_->on_file_end(); }
    Ref<Terminal> terminal_;
};

/// The terminal of the calling task's session (/dev/tty).
/// errors    enxio (it has none)
LinuxResult<Ref<Terminal>> controlling_terminal();

}  // namespace astrata::linux_abi
