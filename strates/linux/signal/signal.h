// Linux signal numbers, sets of them, and what a signal carries (signal(7), sigaction(2)).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace astrata::linux_abi {

/// Numbers of x86_64, aarch64 and riscv64. Real-time signals, 32 to 64, have no names.
enum class Signal : std::int32_t {
    none = 0,
    sighup = 1,
    sigint = 2,
    sigquit = 3,
    sigill = 4,
    sigtrap = 5,
    sigabrt = 6,
    sigbus = 7,
    sigfpe = 8,
    sigkill = 9,
    sigusr1 = 10,
    sigsegv = 11,
    sigusr2 = 12,
    sigpipe = 13,
    sigalrm = 14,
    sigterm = 15,
    sigstkflt = 16,
    sigchld = 17,
    sigcont = 18,
    sigstop = 19,
    sigtstp = 20,
    sigttin = 21,
    sigttou = 22,
    sigurg = 23,
    sigxcpu = 24,
    sigxfsz = 25,
    sigvtalrm = 26,
    sigprof = 27,
    sigwinch = 28,
    sigio = 29,
    sigpwr = 30,
    sigsys = 31,
};
inline constexpr std::int32_t first_real_time_signal = 32;
inline constexpr std::int32_t last_signal = 64;

constexpr bool is_signal_number(std::int64_t number) {
    return number >= 1 && number <= last_signal;
}
constexpr bool is_real_time(Signal signal) {
    return static_cast<std::int32_t>(signal) >= first_real_time_signal;
}
/// "SIGINT", "SIGRT2"...; static or in `buffer`.
std::string_view name_of(Signal signal);

/// Linux's sigset_t as system calls pass it: bit n-1 is signal n.
struct SignalSet {
    std::uint64_t bits = 0;

    static constexpr SignalSet of(auto... signals) { return {(std::uint64_t{0} | ... | bit(signals))}; }
    static constexpr std::uint64_t bit(Signal signal) { return std::uint64_t{1} << (static_cast<int>(signal) - 1); }
    [[nodiscard]] constexpr bool contains(Signal signal) const { return (bits & bit(signal)) != 0; }
    constexpr void add(Signal signal) { bits |= bit(signal); }
    constexpr void remove(Signal signal) { bits &= ~bit(signal); }
    [[nodiscard]] constexpr bool is_empty() const { return bits == 0; }
    /// The lowest member; `none` if empty.
    [[nodiscard]] constexpr Signal first() const {
        return bits == 0 ? Signal::none : static_cast<Signal>(std::countr_zero(bits) + 1);
    }
    constexpr SignalSet operator|(SignalSet other) const { return {bits | other.bits}; }
    constexpr SignalSet operator&(SignalSet other) const { return {bits & other.bits}; }
    constexpr SignalSet operator~() const { return {~bits}; }
    constexpr bool operator==(SignalSet const&) const = default;
};

/// What can be neither blocked, caught nor ignored.
inline constexpr SignalSet unblockable_signals = SignalSet::of(Signal::sigkill, Signal::sigstop);
inline constexpr SignalSet stop_signals =
    SignalSet::of(Signal::sigstop, Signal::sigtstp, Signal::sigttin, Signal::sigttou);
/// Signals that an instruction of the thread itself causes; delivered before others.
inline constexpr SignalSet synchronous_signals =
    SignalSet::of(Signal::sigsegv, Signal::sigbus, Signal::sigill, Signal::sigtrap, Signal::sigfpe, Signal::sigsys);

/// si_code values.
namespace signal_code {
inline constexpr std::int32_t user = 0;          // SI_USER: kill
inline constexpr std::int32_t kernel = 0x80;     // SI_KERNEL
inline constexpr std::int32_t queue = -1;        // SI_QUEUE: sigqueue
inline constexpr std::int32_t timer = -2;        // SI_TIMER
inline constexpr std::int32_t thread = -6;       // SI_TKILL: tkill, tgkill
inline constexpr std::int32_t child_exited = 1;  // CLD_EXITED...
inline constexpr std::int32_t child_killed = 2;
inline constexpr std::int32_t child_dumped = 3;
inline constexpr std::int32_t child_trapped = 4;
inline constexpr std::int32_t child_stopped = 5;
inline constexpr std::int32_t child_continued = 6;
inline constexpr std::int32_t segment_not_mapped = 1;  // SEGV_MAPERR
inline constexpr std::int32_t segment_access = 2;      // SEGV_ACCERR
inline constexpr std::int32_t bus_alignment = 1;       // BUS_ADRALN
inline constexpr std::int32_t bus_no_object = 2;       // BUS_ADRERR
inline constexpr std::int32_t bus_hardware = 3;        // BUS_OBJERR
inline constexpr std::int32_t illegal_opcode = 1;      // ILL_ILLOPC
inline constexpr std::int32_t illegal_operand = 2;     // ILL_ILLOPN
inline constexpr std::int32_t illegal_trap = 4;        // ILL_ILLTRP
inline constexpr std::int32_t divide_by_zero = 1;      // FPE_INTDIV
inline constexpr std::int32_t overflow = 2;            // FPE_INTOVF
inline constexpr std::int32_t trap_breakpoint = 1;     // TRAP_BRKPT
inline constexpr std::int32_t trap_trace = 2;          // TRAP_TRACE
inline constexpr std::int32_t trap_hardware = 4;       // TRAP_HWBKPT
}  // namespace signal_code

/// siginfo_t in Linux's 64-bit layout. The union's arms are reached by offset, since which one holds depends on number
/// and code and programs may send any bytes (rt_sigqueueinfo).
struct SignalInfo {
    std::int32_t number;
    std::int32_t error;
    std::int32_t code;
    std::int32_t padding;
    std::array<std::uint64_t, 14> words;  // offsets 16 to 128

    [[nodiscard]] Signal signal() const { return static_cast<Signal>(number); }
    [[nodiscard]] std::uint32_t sender() const { return static_cast<std::uint32_t>(words[0]); }

    /// kill, tgkill, and signals of the personality itself (pid 0).
    static SignalInfo from_process(Signal signal, std::int32_t code, std::uint32_t pid, std::uint32_t uid) {
        SignalInfo info{.number = static_cast<std::int32_t>(signal), .code = code};
        info.words[0] = std::uint64_t{uid} << 32 | pid;
        return info;
    }
    /// A fault of the receiving thread.
    static SignalInfo from_fault(Signal signal, std::int32_t code, std::uint64_t address) {
        SignalInfo info{.number = static_cast<std::int32_t>(signal), .code = code};
        info.words[0] = address;
        return info;
    }
    /// SIGCHLD. Times in clock ticks.
    static SignalInfo from_child(std::int32_t code, std::uint32_t pid, std::uint32_t uid, std::int32_t status,
                                 std::uint64_t user_ticks, std::uint64_t system_ticks) {
        auto info = from_process(Signal::sigchld, code, pid, uid);
        info.words[1] = static_cast<std::uint32_t>(status);
        info.words[2] = user_ticks;
        info.words[3] = system_ticks;
        return info;
    }
    /// A POSIX timer.
    static SignalInfo from_timer(Signal signal, std::int32_t timer, std::int32_t overrun, std::uint64_t value) {
        SignalInfo info{.number = static_cast<std::int32_t>(signal), .code = signal_code::timer};
        info.words[0] = std::uint64_t{static_cast<std::uint32_t>(overrun)} << 32 | static_cast<std::uint32_t>(timer);
        info.words[1] = value;
        return info;
    }
    /// From the personality: terminal signals, SIGALRM...
    static SignalInfo from_kernel(Signal signal) { return from_process(signal, signal_code::kernel, 0, 0); }
};
static_assert(sizeof(SignalInfo) == 128);

}  // namespace astrata::linux_abi
