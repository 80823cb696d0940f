#include "strates/linux/tty/pty.h"

#include <algorithm>

#include "strates/linux/calls/arguments.h"
#include "strates/linux/core/make.h"
#include "strates/linux/devices/devices.h"
#include "strates/linux/file/file_table.h"
#include "strates/linux/file/ioctl.h"
#include "strates/linux/filesystems/pts/pts_file_system.h"

namespace astrata::linux_abi {

namespace {

/// Which indices are in use. A terminal may outlive its master, then without an index.
class PtyTable {
public:
    constexpr PtyTable() = default;

    LinuxResult<Ref<PtyTerminal>> create() {
        Lock lock(mutex_);
        for (std::uint32_t index = 0; index < pty_limit; ++index) {
            if (terminals_[index] == nullptr) {
                auto terminal = LTRY(make_ref<PtyTerminal>(index));
                terminals_[index] = terminal.get();
                return terminal;
            }
        }
        return fail(Errno::enospc);
    }
    void remove(PtyTerminal const& terminal) {
        Lock lock(mutex_);
        terminals_[terminal.index()] = nullptr;
    }
    RefOrNull<PtyTerminal> find(std::uint32_t index) {
        Lock lock(mutex_);
        if (index >= pty_limit || terminals_[index] == nullptr)
            return nullptr;
        return Ref<PtyTerminal>::share(*terminals_[index]);  // its master removes it before dropping its reference
    }

private:
    Mutex mutex_;
    std::array<PtyTerminal*, pty_limit> terminals_ GUARDED_BY(mutex_) = {};
};

constinit PtyTable pty_table;

}  // namespace

PtyTerminal::PtyTerminal(std::uint32_t index)
    : Terminal(::astrata::linux_abi::device_number(device_id::pty_major, index)), index_(index) {
    auto const& credentials = current_task().credentials();
    uid_ = credentials.file_uid;
    gid_ = credentials.file_gid;
}

PtyTerminal::~PtyTerminal() = default;

std::size_t PtyTerminal::put_locked(Bytes bytes) {
    auto const wanted = std::min(bytes.size(), output_storage - count_);
    for (std::size_t index = 0; index < wanted; ++index)
        output_[(begin_ + count_ + index) % output_storage] = bytes[index];
    count_ += wanted;
    if (wanted != 0)
        output_readable_.wake_all(poll_event::readable);
    return wanted;
}

LinuxResult<std::size_t> PtyTerminal::send(Bytes bytes, bool non_blocking) {
    Lock lock(pty_mutex_);
    while (count_ >= output_capacity) {
        if (!has_master_)
            break;
        if (non_blocking)
            return fail(Errno::eagain);
        LTRY(wait(output_writable_, pty_mutex_));
    }
    if (!has_master_)
        return fail(Errno::eio);
    return put_locked(bytes);
}

bool PtyTerminal::can_send(PollTable* table) {
    if (table != nullptr)
        table->add(output_writable_);
    Lock lock(pty_mutex_);
    return count_ < output_capacity;
}

void PtyTerminal::send_echo(Bytes bytes) {
    Lock lock(pty_mutex_);
    put_locked(bytes);
}

void PtyTerminal::on_open() {
    Lock lock(pty_mutex_);
    ++slaves_;
    was_opened_ = true;
}

void PtyTerminal::on_file_end() {
    Lock lock(pty_mutex_);
    --slaves_;
    if (slaves_ == 0)
        output_readable_.wake_all(poll_event::readable | poll_event::hang_up);
}

// ---- The master's side ----

LinuxResult<std::size_t> PtyTerminal::read_output(IoBuffer& into, bool non_blocking) {
    if (into.is_done())
        return std::size_t{0};
    Lock lock(pty_mutex_);
    while (count_ == 0) {
        if (was_opened_ && slaves_ == 0)
            return fail(Errno::eio);
        if (non_blocking)
            return fail(Errno::eagain);
        LTRY(wait(output_readable_, pty_mutex_));
    }
    std::size_t done = 0;
    while (count_ != 0 && !into.is_done()) {
        auto const part = std::min(count_, output_storage - begin_);
        auto const copied = into.copy_out(Bytes(output_).subspan(begin_, part));
        if (!copied)
            return done != 0 ? LinuxResult<std::size_t>(done) : copied;
        begin_ = (begin_ + *copied) % output_storage;
        count_ -= *copied;
        done += *copied;
        if (*copied < part)
            break;
    }
    output_writable_.wake_all(poll_event::writable);
    return done;
}

LinuxResult<std::size_t> PtyTerminal::write_input(IoBuffer& from, bool non_blocking) {
    std::size_t done = 0;
    std::array<std::byte, 256> chunk;
    while (!from.is_done()) {
        auto const count = from.copy_in(chunk);
        if (!count)
            return done != 0 ? LinuxResult<std::size_t>(done) : count;
        auto rest = Bytes(chunk).first(*count);
        while (!rest.empty()) {
            auto const taken = receive(rest);
            rest = rest.subspan(taken);
            done += taken;
            if (rest.empty())
                break;
            if (non_blocking)
                return done != 0 ? LinuxResult<std::size_t>(done) : fail(Errno::eagain);
            // On the queue before looking again, so that room made in between is not missed.
            TaskWaiter waiter;
            room_queue().add(waiter);
            auto const slept = has_room() ? LinuxResult<>() : sleep_task(never);
            room_queue().remove(waiter);
            if (!slept)
                return done != 0 ? LinuxResult<std::size_t>(done) : fail(slept.error());
        }
    }
    return done;
}

std::uint32_t PtyTerminal::poll_master(PollTable* table) {
    if (table != nullptr) {
        table->add(output_readable_);
        table->add(room_queue());
    }
    std::uint32_t events = has_room() ? poll_event::writable : 0;
    Lock lock(pty_mutex_);
    if (count_ != 0)
        events |= poll_event::readable;
    if (was_opened_ && slaves_ == 0)
        events |= poll_event::hang_up;
    return events;
}

void PtyTerminal::close_master() {
    {
        Lock lock(pty_mutex_);
        has_master_ = false;
        output_writable_.wake_all();
    }
    hang_up();
}

namespace {

class PtyMasterFile final : public File {
public:
    PtyMasterFile(Path const& path, Ref<PtyTerminal> terminal, std::uint32_t flags)
        : File(&path, flags), terminal_(std::move(terminal)) {}

    LinuxResult<std::size_t> read(IoBuffer& into, std::uint64_t&) override {
        return terminal_->read_output(into, is_non_blocking());
    }
    LinuxResult<std::size_t> write(IoBuffer& from, std::uint64_t&) override {
        return terminal_->write_input(from, is_non_blocking());
    }
    std::uint32_t poll(PollTable* table) override { return terminal_->poll_master(table); }
    LinuxResult<std::int64_t> ioctl(std::uint32_t request, std::uint64_t argument) override;

private:
    ~PtyMasterFile() override {
        pty_table.remove(*terminal_);
        terminal_->close_master();
    }
    LinuxResult<std::int64_t> open_peer(std::uint32_t flags);

    Ref<PtyTerminal> const terminal_;
};

LinuxResult<std::int64_t> PtyMasterFile::open_peer(std::uint32_t flags) {
    auto const path = LTRY(pts_path(terminal_->index()));
    auto& task = current_task();
    auto file = LTRY(make_ref<TerminalFile>(&path, terminal_, flags));
    if ((flags & open_flag::no_controlling_terminal) == 0)
        terminal_->adopt_if_leader(task.process());
    return static_cast<std::int64_t>(
        LTRY(give_descriptor(task, std::move(file), (flags & open_flag::close_on_exec) != 0)));
}

LinuxResult<std::int64_t> PtyMasterFile::ioctl(std::uint32_t request, std::uint64_t argument) {
    namespace rq = ioctl_request;
    GuestAddress const address{argument};
    switch (request) {
    case rq::get_pty_number: LTRY(write_guest(address, terminal_->index())); return 0;
    case rq::set_pty_lock: terminal_->set_locked(LTRY(read_guest<std::int32_t>(address)) != 0); return 0;
    case rq::get_pty_lock: LTRY(write_guest(address, std::int32_t{terminal_->is_locked()})); return 0;
    case rq::open_pty_peer: return open_peer(static_cast<std::uint32_t>(argument));
    case rq::packet_mode: {
        if (LTRY(read_guest<std::int32_t>(address)) != 0)
            return fail(Errno::einval);  // packet mode is not offered
        return 0;
    }
    // The master is nobody's controlling terminal; what remains concerns the terminal itself.
    case rq::set_controlling_terminal:
    case rq::give_up_terminal: return fail(Errno::enotty);
    case rq::get_foreground_group:
        LTRY(write_guest(address, static_cast<std::int32_t>(terminal_->foreground_group())));
        return 0;
    default: return terminal_->ioctl(request, argument, true);
    }
}

}  // namespace

LinuxResult<Ref<File>> open_pty_master(Path const& path, std::uint32_t flags) {
    auto terminal = LTRY(pty_table.create());
    auto file = make_ref<PtyMasterFile>(path, terminal, flags);
    if (!file) {
        pty_table.remove(*terminal);
        return fail(file.error());
    }
    return Ref<File>(std::move(*file));
}

LinuxResult<Ref<Terminal>> pty_terminal(std::uint32_t index) {
    auto terminal = pty_table.find(index);
    if (!terminal)
        return fail(Errno::enxio);
    if (terminal->is_locked())
        return fail(Errno::eio);
    return Ref<Terminal>::share(*terminal);
}

RefOrNull<PtyTerminal> next_pty(std::uint32_t from) {
    for (; from < pty_limit; ++from) {
        if (auto terminal = pty_table.find(from); terminal)
            return terminal;
    }
    return nullptr;
}

}  // namespace astrata::linux_abi
