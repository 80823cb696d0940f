#include "kernel/log/print.h"

#include <algorithm>

#include "arch/early_serial.h"
#include "kernel/log/kernel_log.h"
#include "kernel/log/log_ring.h"
#include "kernel/sync/spin_lock.h"
#include "kernel/time/clock.h"

namespace astrata::kernel {

namespace {

std::array<char, 32 * 1024> storage;
SpinLock<LockRank::log, IrqsOff> lock;
LogRing ring GUARDED_BY(lock){storage};
bool is_mirrored GUARDED_BY(lock) = false;

}  // namespace

void LineBuilder::append(std::string_view text) {
    auto const room = std::span(text_).subspan(length_);
    auto const count = std::min(text.size(), room.size());
    std::ranges::copy(text.substr(0, count), room.begin());
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
    LockGuard guard(lock);
    ring.append(prefix.view());
    ring.append(text);
    ring.append("\n");
    if (is_mirrored) {
        arch::early_serial_write(prefix.view());
        arch::early_serial_write(text);
        arch::early_serial_write("\n");
    }
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
    LockGuard guard(lock);
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
