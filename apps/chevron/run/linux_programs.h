// Starting Linux programs in the shell's Linux silo, and what becomes of them.
#pragma once

#include <cstdint>
#include <string_view>

#include "abi/silo_manager.h"
#include "apps/chevron/lock.h"
#include "lib/base/ref.h"
#include "lib/containers/string.h"
#include "lib/shell/program.h"
#include "sdk/handle.h"

namespace astrata::chevron {

/// A connection to a personality, kept as long as somebody uses it.
struct Connection : RefCounted<Connection> {
    explicit Connection(sdk::UniqueHandle handle) : endpoint(std::move(handle)) {}
    static void destroy(Connection* connection) { delete connection; }
    [[nodiscard]] abi::PersonalityClient client() const { return abi::PersonalityClient(endpoint.get()); }
    sdk::UniqueHandle endpoint;
};

/// A started program: one job of the personality.
struct LinuxJob {
    Ref<Connection> personality;
    std::uint64_t id = 0;

    /// Waits until it ends or stops.
    [[nodiscard]] Result<abi::PersonalityClient::WaitReply> wait() const { return personality->client().wait(id); }
    [[nodiscard]] Result<> signal(std::uint32_t number) const { return personality->client().signal(id, number); }
    [[nodiscard]] Result<> resume(bool foreground) const {
        return personality->client().resume(id, foreground ? 1 : 0);
    }
};

/// Linux numbers.
inline constexpr std::uint32_t signal_interrupt = 2;
inline constexpr std::uint32_t signal_kill = 9;
inline constexpr std::uint32_t signal_pipe = 13;
inline constexpr std::uint32_t signal_terminate = 15;
inline constexpr std::uint32_t signal_continue = 18;
inline constexpr std::uint32_t signal_stop_always = 19;  // SIGSTOP
inline constexpr std::uint32_t signal_stop = 20;         // SIGTSTP
inline constexpr std::uint32_t signal_read_in_background = 21;
inline constexpr std::uint32_t signal_write_in_background = 22;

/// Whether a signal stops a program that does nothing about it.
constexpr bool stops(std::uint32_t signal) {
    return signal >= signal_stop_always && signal <= signal_write_in_background;
}
/// Whether a signal ends a program that does nothing about it.
constexpr bool ends(std::uint32_t signal) {
    constexpr std::uint32_t child = 17, urgent = 23, window = 28;
    return !stops(signal) && signal != signal_continue && signal != child && signal != urgent && signal != window;
}

/// The three streams; borrowed endpoints, of which the program gets copies.
struct ProgramStreams {
    abi::Handle input = 0;
    abi::Handle output = 0;
    abi::Handle error = 0;
    bool are_terminal = false;
    std::uint32_t columns = 0;
    std::uint32_t rows = 0;
};

class LinuxPrograms {
public:
    /// The shell's silo, and the scheme of its personality.
    static constexpr std::string_view silo = "linux.0";
    /// How people call it.
    static constexpr std::string_view short_name = "linux";

    /// Borrows the manager's endpoint. The silo, when it must be made, has `root_scheme` as its root.
    LinuxPrograms(abi::Handle manager, String root_scheme) : manager_(manager), root_scheme_(std::move(root_scheme)) {}

    /// Starts a program, looked for along the PATH of its own environment.
    /// errors    not_found, bad_executable, access_denied, no_memory, and those of connecting
    [[nodiscard]] Result<LinuxJob> start(shell::ProgramParameters const& parameters, ProgramStreams const& streams)
        EXCLUDES(mutex_);

    /// The shell's personality; makes its silo if there is none yet.
    [[nodiscard]] Result<Ref<Connection>> connect() EXCLUDES(mutex_);
    /// A personality by its scheme.
    [[nodiscard]] Result<Ref<Connection>> connect_to(std::string_view name) const;

private:
    [[nodiscard]] Result<LinuxJob> try_start(Ref<Connection> const& personality,
                                             shell::ProgramParameters const& parameters, std::string_view program,
                                             ProgramStreams const& streams);
    void forget() EXCLUDES(mutex_);

    abi::SiloManagerClient manager_;
    String root_scheme_;
    Mutex mutex_;
    RefOrNull<Connection> connection_ GUARDED_BY(mutex_);
};

}  // namespace astrata::chevron
