// Pseudo-terminals (pty(7)): a terminal whose other end is a program that holds the master.
#pragma once

#include <array>
#include <cstdint>

#include "strates/linux/file/file.h"
#include "strates/linux/tty/terminal.h"

namespace astrata::linux_abi {

inline constexpr std::uint32_t pty_limit = 256;

/// The slave side, and the buffer of output that the master reads.
class PtyTerminal final : public Terminal {
public:
    /// As much waits for the master before writers have to wait; the last of them still gets all of its output in,
    /// since what became of a program's bytes cannot be sent in parts that the program would know of.
    static constexpr std::size_t output_capacity = 4096;
    static constexpr std::size_t output_storage = output_capacity + processed_limit;

    explicit PtyTerminal(std::uint32_t index);
    [[nodiscard]] std::uint32_t index() const { return index_; }
    [[nodiscard]] bool is_locked() const { return is_locked_.load(std::memory_order_relaxed); }
    void set_locked(bool is_locked) { is_locked_.store(is_locked, std::memory_order_relaxed); }
    /// Owner of the slave's node.
    [[nodiscard]] std::uint32_t uid() const { return uid_; }
    [[nodiscard]] std::uint32_t gid() const { return gid_; }

    // ---- For the master ----
    LinuxResult<std::size_t> read_output(IoBuffer& into, bool non_blocking);
    LinuxResult<std::size_t> write_input(IoBuffer& from, bool non_blocking);
    std::uint32_t poll_master(PollTable* table);
    void close_master();

    void on_open() override;
    void on_file_end() override;

private:
    ~PtyTerminal() override;
    LinuxResult<std::size_t> send(Bytes bytes, bool non_blocking) override;
    bool can_send(PollTable* table) override;
    void send_echo(Bytes bytes) override;
    std::size_t put_locked(Bytes bytes) REQUIRES(pty_mutex_);

    std::uint32_t const index_;
    std::uint32_t uid_ = 0;
    std::uint32_t gid_ = 0;
    std::atomic<bool> is_locked_ = true;
    Mutex pty_mutex_;  // taken inside the terminal's
    std::array<std::byte, output_storage> output_ GUARDED_BY(pty_mutex_);
    std::size_t begin_ GUARDED_BY(pty_mutex_) = 0;
    std::size_t count_ GUARDED_BY(pty_mutex_) = 0;
    std::uint32_t slaves_ GUARDED_BY(pty_mutex_) = 0;
    bool was_opened_ GUARDED_BY(pty_mutex_) = false;
    bool has_master_ GUARDED_BY(pty_mutex_) = true;
    WaitQueue output_readable_;
    WaitQueue output_writable_;
};

/// A new pair; the file is its master (/dev/ptmx).
/// errors    enospc (pty_limit)
LinuxResult<Ref<File>> open_pty_master(Path const& path, std::uint32_t flags);
/// The slave's terminal, unlocked.
/// errors    enxio (no such pty), eio (locked)
LinuxResult<Ref<Terminal>> pty_terminal(std::uint32_t index);
/// The pty with the lowest index from `from` on, null at the end; for /dev/pts.
RefOrNull<PtyTerminal> next_pty(std::uint32_t from);

}  // namespace astrata::linux_abi
