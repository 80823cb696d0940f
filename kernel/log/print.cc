#include "kernel/log/print.h"

#include <algorithm>
#include <atomic>

#include "arch/cpu.h"
#include "arch/early_serial.h"
#include "kernel/log/kernel_log.h"
#include "kernel/log/log_ring.h"
#include "kernel/log/printable.h"
#include "kernel/sync/spin_lock.h"
#include "kernel/time/clock.h"

namespace astrata::kernel {

namespace {

std::array<char, 32 * 1024> storage;
SpinLock<LockRank::log, IrqsOff> lock;
LogRing ring GUARDED_BY(lock){storage};
bool is_mirrored GUARDED_BY(lock) = false;
std::atomic<bool> is_panicking = false;

/// Holds the lock for a scope; in a panic it only tries to, since nobody may be left who would release it.
class SCOPED_CAPABILITY Hold {
public:
    Hold() ACQUIRE(lock) NO_THREAD_SAFETY_ANALYSIS : is_patient_(!is_panicking.load(std::memory_order_relaxed)) {
        if (is_patient_) {
            lock.lock();
            return;
        }
        constexpr int tries = 1'000'000;
        for (int i = 0; i < tries && !is_held_; ++i) {
            is_held_ = lock.try_lock_only();
            if (!is_held_)
                arch::pause();
        }
    }
    ~Hold() RELEASE() NO_THREAD_SAFETY_ANALYSIS {
        if (is_patient_)
            lock.unlock();
        else if (is_held_)
            lock.unlock_only();
    }
    Hold(Hold const&) = delete;
    Hold& operator=(Hold const&) = delete;

private:
    bool const is_patient_;
    bool is_held_ = false;
};

void write_locked(std::string_view time, std::string_view text) REQUIRES(lock) {
    ring.append(time);
    ring.append(text);
    ring.append("\n");
    if (is_mirrored) {
        arch::early_serial_write(time);
        arch::early_serial_write(text);
        arch::early_serial_write("\n");
    }
}

}  // namespace

void LineBuilder::append(std::string_view text) {
    auto const room = std::span(text_).subspan(length_);
    auto const count = std::min(text.size(), room.size());
    std::ranges::copy(text.substr(0, count), room.begin());
    make_printable(room.first(count));
    length_ += count;
}

void LineBuilder::append(Hex number) {
    append("0x");
    std::size_t shift = 60;
    while (shift > 0 && (number.value >> shift) == 0)
        shift -= 4;
    constexpr std::string_view digits = "0123456789abcdef";
    for (;; shift -= 4) {
        append(digits.substr((number.value >> shift) & 0xf, 1));
        if (shift == 0)
            return;
    }
}

void LineBuilder::append_decimal(std::uint64_t number) {
    std::array<char, 20> digits;
    std::size_t first = digits.size();
    do {
        digits[--first] = static_cast<char>('0' + number % 10);
        number /= 10;
    } while (number != 0);
    append(std::string_view(digits.data(), digits.size()).substr(first));
}

LogTime::LogTime() {
    auto const microseconds = clock::now().value / 1000;
    auto const fraction = microseconds % 1'000'000;
    line_.append("[");
    line_.append(microseconds / 1'000'000);
    line_.append(".");
    for (std::uint64_t digit = 100'000; digit > 1 && fraction < digit; digit /= 10)
        line_.append("0");
    line_.append(fraction);
    line_.append("] ");
}

void log_line(std::string_view text) {
    LogTime const prefix;
    Hold hold;
    write_locked(prefix.view(), text);
}

void try_log_line(std::string_view text) {
    LogTime const prefix;
    if (!lock.try_lock_only())
        return;
    write_locked(prefix.view(), text);
    lock.unlock_only();
}

void enter_panic_log() {
    is_panicking.store(true, std::memory_order_relaxed);
    mirror_log_to_serial();
}

void mirror_line(std::string_view time, std::string_view text) {
    LockGuard guard(lock);
    if (!is_mirrored)
        return;
    arch::early_serial_write(time);
    arch::early_serial_write(text);
    arch::early_serial_write("\n");
}

void mirror_log_to_serial() {
    Hold hold;
    if (is_mirrored)
        return;
    is_mirrored = true;
    std::array<char, 128> chunk;
    for (std::uint64_t position = 0;;) {
        auto const [next, count] = ring.read(position, chunk);
        if (count == 0)
            break;
        arch::early_serial_write({chunk.data(), count});
        position = next;
    }
}

LogRing::ReadResult read_kernel_log(std::uint64_t position, std::span<char> into) {
    LockGuard guard(lock);
    return ring.read(position, into);
}

}  // namespace astrata::kernel
