#include "strates/silo-manager/service.h"

namespace astrata::silo_manager {

namespace {

/// Bedrock's log goes by this name.
constexpr std::string_view kernel_log_name = "bedrock";

template <typename Responder>
void answer(Responder& responder, Result<> const& result) {
    if (result)
        responder.reply();
    else
        responder.fail(result.error());
}

}  // namespace

abi::StrateInfo Service::describe(Instance& instance) {
    abi::StrateInfo info{
        .id = instance.silo_id,
        .state = instance.life.state(),
        .isolation = instance.isolation,
        .restarts = instance.life.restarts(),
        .memory_limit = instance.memory_limit,
        .started_ns = instance.life.started().value,
        .exit_code = instance.life.exit_code(),
        .name = instance.name,
        .manifest = instance.program.manifest.name,
    };
    if (instance.silo) {
        if (auto const silo = sys::silo_info(instance.silo.get())) {
            info.processes = silo->processes;
            info.threads = silo->threads;
            info.memory_used = silo->memory_used;
            info.memory_limit = silo->memory_limit;
            info.memory_peak = silo->memory_peak;
            info.cpu_time_ns = silo->cpu_time_ns;
            info.system_calls = silo->system_calls;
            info.page_faults = silo->page_faults;
            info.cpu_quota_us = silo->cpu_quota_us;
            info.cpu_period_us = silo->cpu_period_us;
            info.cpu_weight = silo->cpu_weight;
            info.highest_priority = silo->highest_priority;
            info.cpu_pauses = silo->cpu_pauses;
            info.cpu_paused_ns = silo->cpu_paused_ns;
        }
    }
    auto& schemes = manager_.schemes();
    for (std::size_t i = schemes.size(); i != 0; --i) {
        if (schemes[i - 1].provider == &instance)
            info.scheme = schemes[i - 1].name;
    }
    return info;
}

void Service::instance(sdk::Caller const&, InstanceRequest const& request, InstanceResponder responder) {
    if (request.position >= manager_.instance_count())
        return responder.fail(Error::not_found);
    responder.reply(describe(manager_.instance(request.position)));
}

void Service::find(sdk::Caller const&, FindRequest const& request, FindResponder responder) {
    auto* const found = manager_.find(request.name);
    if (found == nullptr)
        return responder.fail(Error::not_found);
    responder.reply(describe(*found));
}

void Service::start(sdk::Caller const&, StartRequest const& request, StartResponder responder) {
    answer(responder, manager_.start(request.name));
}

void Service::stop(sdk::Caller const&, StopRequest const& request, StopResponder responder) {
    answer(responder, manager_.stop(request.name));
}

void Service::kill(sdk::Caller const&, KillRequest const& request, KillResponder responder) {
    answer(responder, manager_.kill(request.name));
}

void Service::restart(sdk::Caller const&, RestartRequest const& request, RestartResponder responder) {
    answer(responder, manager_.restart(request.name));
}

void Service::set_memory_limit(sdk::Caller const&, SetMemoryLimitRequest const& request,
                               SetMemoryLimitResponder responder) {
    answer(responder, manager_.set_memory_limit(request.name, request.bytes));
}

void Service::set_cpu_limits(sdk::Caller const&, SetCpuLimitsRequest const& request, SetCpuLimitsResponder responder) {
    answer(responder, manager_.set_cpu_limits(request.name, {.quota_us = request.quota_us,
                                                             .period_us = request.period_us,
                                                             .weight = request.weight,
                                                             .highest_priority = request.highest_priority}));
}

void Service::log(sdk::Caller const&, LogRequest const& request, LogResponder responder) {
    auto* const found = manager_.find(request.name);
    if (found == nullptr && request.name != kernel_log_name)
        return responder.fail(Error::not_found);
    auto const handle = found != nullptr ? found->log.get() : environment_.log.get();
    std::array<std::byte, 3900> text;
    auto const read = sys::log_read(handle, request.position, text);
    if (!read)
        return responder.fail(read.error());
    responder.reply(read->next, Bytes(text).first(std::min<std::uint64_t>(read->count, text.size())));
}

void Service::scheme(sdk::Caller const&, SchemeRequest const& request, SchemeResponder responder) {
    auto& schemes = manager_.schemes();
    if (request.position >= schemes.size())
        return responder.fail(Error::not_found);
    auto const& found = schemes[request.position];
    responder.reply({.scheme = found.name, .interface = found.interface, .provider = found.provider->name});
}

void Service::connect(sdk::Caller const&, ConnectRequest const& request, ConnectResponder responder) {
    auto endpoint = manager_.connect(request.scheme);
    if (!endpoint)
        return responder.fail(endpoint.error());
    responder.reply(std::move(*endpoint));
}

void Service::create_linux_silo(sdk::Caller const&, CreateLinuxSiloRequest const& request,
                                CreateLinuxSiloResponder responder) {
    auto endpoint =
        manager_.create_linux_silo(request.name, request.root_scheme, request.memory_limit, request.process_limit);
    if (!endpoint)
        return responder.fail(endpoint.error());
    responder.reply(std::move(*endpoint));
}

}  // namespace astrata::silo_manager
