// One strate that runs, ran or is to run: a program with what it is started with.
#pragma once

#include <memory>

#include "lib/containers/string.h"
#include "lib/containers/text_builder.h"
#include "lib/containers/vector.h"
#include "sdk/event_loop.h"
#include "strates/silo-manager/catalogue.h"
#include "strates/silo-manager/lifecycle.h"

namespace astrata::silo_manager {

class Instance;

/// Hears of processes that end.
class Supervisor {
public:
    virtual ~Supervisor() = default;
    virtual void on_process_ended(Instance& instance) = 0;
};

/// A need that the instance was started with.
struct Connection {
    manifest::Name scheme;
    sdk::UniqueHandle restarted;  // Notification; the instance holds another handle to it
};

/// A parameter need ("@root") and the scheme it stands for in this instance.
struct Binding {
    manifest::Name parameter;
    manifest::Name scheme;
};

/// As silo_set_cpu_limits takes them; 0 is what a silo has without being told.
struct CpuLimits {
    std::uint64_t quota_us = 0;
    std::uint64_t period_us = 0;
    std::uint32_t weight = 0;
    std::uint32_t highest_priority = 0;
};

class Instance final : public sdk::SignalHandler {
public:
    Instance(Supervisor& supervisor, Program const& program, manifest::Name name)
        : supervisor(supervisor), program(program), name(name), memory_limit(program.manifest.memory_limit),
          cpu_limits{.quota_us = std::uint64_t{program.manifest.cpu_percent} * 1000,
                     .period_us = 100'000,
                     .weight = program.manifest.cpu_weight,
                     .highest_priority = 0} {}

    void on_signal(std::uint64_t) override { supervisor.on_process_ended(*this); }

    /// The scheme that a need stands for here; empty for a parameter that nobody bound.
    [[nodiscard]] manifest::Name scheme_of(manifest::Need const& need) const {
        if (!need.is_parameter())
            return need.scheme;
        for (auto const& binding : bindings) {
            if (binding.parameter == need.scheme)
                return binding.scheme;
        }
        return {};
    }

    /// Appends a line to the strate's own log, as the silo manager's remark.
    template <typename... Parts>
    void remark(Parts const&... parts) const {
        TextBuffer<240> line;
        line.append("silo manager: ");
        (line.append(parts), ...);
        if (log)
            (void)sys::log_write(log.get(), as_bytes(line.view()));
    }

    Supervisor& supervisor;
    Program const& program;
    manifest::Name const name;
    std::uint32_t number = 0;           // of a driver
    std::uint64_t id = 0;               // unique, never reused
    std::uint64_t device = 0;           // 0: none
    sdk::UniqueHandle device_endpoint;  // opened for the next start
    bool is_opening_device = false;
    Lifecycle life;
    sdk::UniqueHandle log;
    sdk::UniqueHandle silo;     // of the present run, or of the last one
    std::uint64_t image_base = 0;   // where its image lies
    sdk::UniqueHandle process;  // while it runs
    std::uint64_t silo_id = 0;
    abi::IsolationMode isolation = abi::IsolationMode::user;  // of the present run, or of the last one
    std::uint64_t memory_limit;  // 0: none of its own
    CpuLimits cpu_limits;
    Vector<Connection> connections;
    Vector<Binding> bindings;
    Vector<String> arguments;
    manifest::Name provided_as{};  // not empty: what its first scheme is called in this instance
};

}  // namespace astrata::silo_manager
