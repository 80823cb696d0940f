// What runs and why: starts instances when everything they need is there, restarts those that end, knows who provides
// what.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "sdk/event_loop.h"
#include "silo-manager/environment.h"
#include "strates/silo-manager/catalogue.h"
#include "strates/silo-manager/command_line.h"
#include "strates/silo-manager/device_worker.h"
#include "strates/silo-manager/instance.h"
#include "strates/silo-manager/process_builder.h"
#include "strates/silo-manager/schemes.h"

namespace astrata::silo_manager {

class Manager final : public Supervisor, public Catalogue::Complaints {
public:
    /// `administration` is the endpoint that SiloManager is served on; borrowed, like the rest.
    Manager(Environment& environment, sdk::EventLoop& loop, abi::Handle administration, sdk::Timer timer)
        : environment_(environment), loop_(loop), administration_(administration), timer_(std::move(timer)),
          on_timer_(*this), on_devices_(*this) {}

    /// Reads the archive (mapped at `archive`, for good) and starts what is to run from the beginning.
    /// errors    no_memory. A strate that cannot be started is logged; the others go on.
    [[nodiscard]] Result<> boot(Bytes archive);

    // ---- For administrators ----
    [[nodiscard]] std::size_t instance_count() const { return instances_.size(); }
    [[nodiscard]] Instance& instance(std::size_t position) { return *instances_[position]; }
    /// Null if there is none.
    [[nodiscard]] Instance* find(std::string_view name);
    [[nodiscard]] Schemes& schemes() { return schemes_; }
    /// errors    not_found, bad_state (runs already), and what starting it meets
    [[nodiscard]] Result<> start(std::string_view name);
    /// Ends it for good (`stop`), as a crash would (`kill`), or to start again at once (`restart`).
    /// errors    not_found, bad_state (does not run)
    [[nodiscard]] Result<> stop(std::string_view name);
    [[nodiscard]] Result<> kill(std::string_view name);
    [[nodiscard]] Result<> restart(std::string_view name);
    [[nodiscard]] Result<> set_memory_limit(std::string_view name, std::uint64_t bytes);
    /// What is 0 stays as it is.
    [[nodiscard]] Result<> set_cpu_limits(std::string_view name, CpuLimits const& limits);
    /// An endpoint to call whoever provides the scheme; its provider is started if need be.
    /// errors    not_found, and what starting it meets
    [[nodiscard]] Result<sdk::UniqueHandle> connect(std::string_view scheme);
    /// errors    already_exists, not_found (no such scheme, or no personality in the archive), and what starting it
    /// meets
    [[nodiscard]] Result<sdk::UniqueHandle> create_linux_silo(std::string_view name, std::string_view root_scheme,
                                                              std::uint64_t memory_limit, std::uint32_t process_limit);

    void on_process_ended(Instance& instance) override;
    void on_bad_manifest(std::string_view name, Error error) override;

private:
    /// Whether everything that an instance needs is there.
    enum class Readiness : std::uint8_t { ready, not_yet, never };

    [[nodiscard]] Result<Instance*> create_instance(Program const& program, manifest::Name name);
    [[nodiscard]] Result<> provide_schemes(Instance& instance);
    [[nodiscard]] Result<Instance*> instance_of(Program const& program);
    /// The instance that provides a scheme, if need be created (not started); null if there is none, or none yet.
    [[nodiscard]] Result<Instance*> provider_of(manifest::Name scheme);

    [[nodiscard]] Readiness readiness(Instance& instance);
    void want(Instance& instance);
    void start_waiting();
    void launch_or_fail(Instance& instance);
    [[nodiscard]] Result<> launch(Instance& instance);
    [[nodiscard]] Result<> grant_everything(Instance& instance, ProcessBuilder& builder,
                                            start::StartBlockWriter& block);
    [[nodiscard]] Result<> grant_needs(Instance& instance, ProcessBuilder& builder, start::StartBlockWriter& block);
    [[nodiscard]] Result<abi::Handle> give_resource(manifest::Resource const& resource, ProcessBuilder& builder);
    /// The wall that the instance gets: its manifest's, unless the command line says otherwise.
    /// errors    not_supported
    [[nodiscard]] Result<abi::IsolationMode> isolation_of(Instance const& instance) const;
    void tell_clients(Instance const& provider);
    void end_run(Instance& instance);
    void after_end(Instance& instance, abi::ProcessState state, std::int64_t code);
    void settle_end(Instance& instance);
    void give_up(Instance& instance);
    void schedule_restarts();
    void restart_due();

    void start_session();
    void begin_enumeration();
    void take_device_answers();
    void add_device(abi::DeviceDescription const& device);
    void device_opened(DeviceWorker::Answer answer);
    [[nodiscard]] std::uint32_t free_number(Program const& program);

    template <auto method>
    class SignalTo final : public sdk::SignalHandler {
    public:
        explicit SignalTo(Manager& manager) : manager_(manager) {}
        void on_signal(std::uint64_t) override { (manager_.*method)(); }

    private:
        Manager& manager_;
    };

    Environment& environment_;
    sdk::EventLoop& loop_;
    abi::Handle administration_;
    sdk::Timer timer_;
    SignalTo<&Manager::restart_due> on_timer_;
    SignalTo<&Manager::take_device_answers> on_devices_;
    Catalogue catalogue_;
    CommandLine command_line_;
    std::unique_ptr<abi::MachineInfo> machine_;    // holds the command line's text
    Vector<std::unique_ptr<Instance>> instances_;  // in the order of their first start
    Schemes schemes_;
    DeviceWorker devices_;
    bool all_devices_are_known_ = false;
    unsigned enumeration_attempts_ = 0;
    std::uint64_t last_id_ = 0;
};

}  // namespace astrata::silo_manager
