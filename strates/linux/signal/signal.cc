#include "strates/linux/signal/signal.h"

#include <span>

namespace astrata::linux_abi {
namespace {

constexpr std::array<std::string_view, 65> names = {
    "0",       "SIGHUP",  "SIGINT",  "SIGQUIT", "SIGILL",  "SIGTRAP", "SIGABRT",   "SIGBUS",  "SIGFPE",   "SIGKILL",
    "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT",  "SIGSTOP",
    "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG",  "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",
    "SIGPWR",  "SIGSYS",  "SIGRT0",  "SIGRT1",  "SIGRT2",  "SIGRT3",  "SIGRT4",    "SIGRT5",  "SIGRT6",   "SIGRT7",
    "SIGRT8",  "SIGRT9",  "SIGRT10", "SIGRT11", "SIGRT12", "SIGRT13", "SIGRT14",   "SIGRT15", "SIGRT16",  "SIGRT17",
    "SIGRT18", "SIGRT19", "SIGRT20", "SIGRT21", "SIGRT22", "SIGRT23", "SIGRT24",   "SIGRT25", "SIGRT26",  "SIGRT27",
    "SIGRT28", "SIGRT29", "SIGRT30", "SIGRT31", "SIGRT32"};

}  // namespace

std::string_view name_of(Signal signal) {
    auto number = static_cast<std::size_t>(static_cast<std::uint32_t>(signal));
    return number < names.size() ? names[number] : "SIG?";
}

}  // namespace astrata::linux_abi
