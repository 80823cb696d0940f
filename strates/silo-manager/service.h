// SiloManager, as administrators call it.
#pragma once

#include "abi/silo_manager.h"
#include "strates/silo-manager/manager.h"

namespace astrata::silo_manager {

/// Whoever holds the endpoint may do everything: it is only given to strates with the privilege.
class Service final : public abi::SiloManagerServer {
public:
    Service(Manager& manager, Environment& environment) : manager_(manager), environment_(environment) {}

    void instance(sdk::Caller const&, InstanceRequest const& request, InstanceResponder responder) override;
    void find(sdk::Caller const&, FindRequest const& request, FindResponder responder) override;
    void start(sdk::Caller const&, StartRequest const& request, StartResponder responder) override;
    void stop(sdk::Caller const&, StopRequest const& request, StopResponder responder) override;
    void kill(sdk::Caller const&, KillRequest const& request, KillResponder responder) override;
    void restart(sdk::Caller const&, RestartRequest const& request, RestartResponder responder) override;
    void set_cpu_limits(sdk::Caller const&, SetCpuLimitsRequest const& request,
                        SetCpuLimitsResponder responder) override;
    void set_memory_limit(sdk::Caller const&, SetMemoryLimitRequest const& request,
                          SetMemoryLimitResponder responder) override;
    void log(sdk::Caller const&, LogRequest const& request, LogResponder responder) override;
    void scheme(sdk::Caller const&, SchemeRequest const& request, SchemeResponder responder) override;
    void connect(sdk::Caller const&, ConnectRequest const& request, ConnectResponder responder) override;
    void create_linux_silo(sdk::Caller const&, CreateLinuxSiloRequest const& request,
                           CreateLinuxSiloResponder responder) override;

private:
    [[nodiscard]] abi::StrateInfo describe(Instance& instance);

    Manager& manager_;
    Environment& environment_;
};

}  // namespace astrata::silo_manager
