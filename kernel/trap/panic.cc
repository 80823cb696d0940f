#include "kernel/trap/panic.h"

#include <array>
#include <atomic>
#include <span>
#include <utility>

#include "arch/cpu.h"
#include "arch/exception.h"
#include "arch/smp.h"
#include "kernel/log/print.h"
#include "kernel/mem/address_space.h"
#include "kernel/mem/layout.h"
#include "kernel/object/process.h"
#include "kernel/sched/thread.h"
#include "kernel/trap/backtrace.h"
#include "kernel/user_copy/user_span.h"
#include "lib/start/layout.h"

namespace astrata::kernel {

namespace {

// A number that may be an address. In the dump of a process it is not to tell where anything of the kernel half lies.
class AddressFormat {
public:
    /// As they are.
    AddressFormat() = default;
    explicit AddressFormat(Process& process) : home_(process.home().first_address().value), hides_kernel_(true) {}

    Hex operator()(std::uint64_t value) const {
        return hides_kernel_ ? hex(start::without_kernel_places(value, home_)) : hex(value);
    }

private:
    std::uint64_t home_ = 0;
    bool hides_kernel_ = false;
};

void print_registers(arch::TrapFrame& frame, Exception const& exception, AddressFormat const& hex) {
    print("  exception ", exception.number, " code ", hex(exception.code), " address ", hex(exception.address.value));
    LineBuilder line;
    unsigned count = 0;
    arch::for_each_register(frame, [&](std::string_view name, std::uint64_t value) {
        line.append(count++ % 4 == 0 ? "  " : " ");
        line.append(name);
        line.append(" ");
        line.append(hex(value));
        if (count % 4 == 0)
            log_line(std::exchange(line, {}).view());
    });
    if (count % 4 != 0)
        log_line(line.view());
}

void print_address(std::uint64_t address) {
    auto const symbol = find_symbol(address);
    if (symbol.name.empty())
        print("  ", hex(linked_address(address)));
    else
        print("  ", hex(linked_address(address)), " ", symbol.name, "+", hex(symbol.offset));
}

void print_kernel_backtrace(std::uint64_t first, std::uint64_t frame_pointer) {
    print("backtrace:");
    if (first != 0)
        print_address(first);
    std::array<std::uint64_t, 24> addresses{};
    auto const count = walk_kernel_stack(frame_pointer, addresses);
    for (auto const address : std::span(addresses).first(count))
        print_address(address);
}

// The other CPUs stop first: what is printed is then the state that the error was found in, and nobody prints in
// between.
void begin_panic() {
    (void)arch::disable_interrupts();
    static constinit std::atomic<bool> has_begun = false;
    // Another CPU was first, or this one failed in the midst of its report.
    if (has_begun.exchange(true))
        arch::halt_forever();
    arch::stop_other_cpus();
    enter_panic_log();
}

[[noreturn]] void stop() {
    print("Bedrock has stopped.");
    arch::halt_forever();
}

}  // namespace

void panic(std::string_view reason) {
    begin_panic();
    print("PANIC on CPU ", arch::cpu_index(), ": ", reason);
    print_kernel_backtrace(0, reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)));
    stop();
}

void panic_with_registers(std::string_view reason, arch::TrapFrame& frame, Exception const& exception) {
    begin_panic();
    print("PANIC on CPU ", arch::cpu_index(), ": ", reason);
    print("  image moved by ", hex(layout::image_slide()));
    print_registers(frame, exception, {});
    print_kernel_backtrace(frame.instruction(), frame.frame_pointer());
    stop();
}

void report_crash(Thread& thread, arch::TrapFrame& frame, Exception const& exception) {
    auto& process = thread.process();
    print("process ", process.id(), " (", process.name(), "), thread ", thread.id(), " (", thread.name(), ") crashed");
    AddressFormat const shown(process);
    print_registers(frame, exception, shown);
    // The strate's own symbols are not known here; its supervisor has them.
    print("return addresses:");
    auto frame_pointer = frame.frame_pointer();
    for (int depth = 0; depth < 16; ++depth) {
        std::array<std::uint64_t, 2> words{};
        if (!copy_in(std::as_writable_bytes(std::span(words)), UserBytesIn{{frame_pointer - arch::frame_record_distance}, sizeof(words)}))
            break;
        print("  ", shown(words[1]));
        if (words[0] <= frame_pointer)
            break;
        frame_pointer = words[0];
    }
}

}  // namespace astrata::kernel

extern "C" {
/// What the compiler puts between a function's arrays and its return address, and compares before it returns. Boot sets
/// it.
std::uint64_t __stack_chk_guard = 0;

[[noreturn]] void __stack_chk_fail() {
    astrata::kernel::panic("the stack was overwritten");
}
}

extern "C" [[noreturn]] void astrata_hardening_failure(char const* message) noexcept {
    astrata::kernel::panic(message);
}
extern "C" [[noreturn]] void abort() {
    astrata::kernel::panic("abort");
}
extern "C" [[noreturn]] void __cxa_pure_virtual() {
    astrata::kernel::panic("pure virtual call");
}

namespace std {
inline namespace _LIBCPP_ABI_NAMESPACE {

/// Where libc++ would throw.
[[noreturn]] void __libcpp_verbose_abort(char const* format, ...) noexcept {
    astrata::kernel::panic(format);
}

}  // namespace _LIBCPP_ABI_NAMESPACE
}  // namespace std
