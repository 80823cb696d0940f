// Where our own broken invariants end: a line in the log, and the process with code 134. The silo manager restarts it.
#include <cstdarg>
#include <cstdint>
#include <string_view>

#include "abi/system_calls.h"
#include "sdk/log.h"

namespace {

[[noreturn]] void die(char const* message) {
    astrata::sdk::log("failed check: ", message);
    astrata::sys::process_exit(134);
}

}  // namespace

extern "C" {

/// What the compiler puts between a function's arrays and its return address, and compares before it returns: another number in each
/// process (sdk/start/start.cc).
std::uint64_t __stack_chk_guard = 0;

[[noreturn]] void __stack_chk_fail() {
    die("the stack was overwritten");
}

/// libc++'s hardened containers, see lib/freestanding/config.
[[noreturn]] void astrata_hardening_failure(char const* message) noexcept {
    die(message);
}

[[noreturn]] void abort() {
    die("abort");
}

[[noreturn]] void __cxa_pure_virtual() {
    die("call of a pure virtual function");
}

/// Static objects are never destroyed: a process ends all at once.
int __cxa_atexit(void (*)(void*), void*, void*) {
    return 0;
}

[[gnu::visibility("hidden")]] void* __dso_handle = nullptr;
}

namespace std {
inline namespace _LIBCPP_ABI_NAMESPACE {

/// Where libc++ would throw.
[[noreturn]] void __libcpp_verbose_abort(char const* format, ...) noexcept {
    die(format);
}

}  // namespace _LIBCPP_ABI_NAMESPACE
}  // namespace std
