#include "strates/silo-manager/manager.h"

#include <algorithm>

#include "lib/manifest/roles.h"
#include "lib/start/layout.h"
#include "sdk/heap.h"
#include "sdk/log.h"
#include "strates/silo-manager/boot_order.h"

namespace astrata::silo_manager {

namespace {

constexpr std::uint64_t log_capacity = 16 << 10;
// Finished instances that were made at run time (Linux silos) are forgotten beyond this many.
constexpr std::size_t remembered_instances = 64;
constexpr std::string_view personality_program = "linux";
constexpr std::string_view root_parameter = "@root";

manifest::Name numbered(std::string_view base, std::string_view separator, std::uint32_t number) {
    TextBuffer<31> text;
    text.append(base).append(separator).append(number);
    return manifest::Name::from(text.view());
}

// What a driver's instance provides. Of what a machine has without a bus, such as its serial port, the first goes
// without a number.
manifest::Name device_scheme(manifest::Manifest const& manifest, manifest::Name scheme, std::uint32_t number) {
    bool const is_platform = std::ranges::all_of(
        manifest.devices, [](auto const& match) { return match.kind == manifest::DeviceKind::platform; });
    return is_platform && number == 0 ? scheme : numbered(scheme.view(), "", number);
}

}  // namespace

void Manager::on_bad_manifest(std::string_view name, Error error) {
    sdk::log("silo manager: ", name, " cannot be used: ", error);
}

// ---- Booting ----

Result<> Manager::boot(Bytes archive) {
    machine_ = TRY(sdk::make<abi::MachineInfo>());
    if (auto const info = sys::machine_info(environment_.silo.get()))
        *machine_ = *info;
    command_line_ = CommandLine::parse(machine_->command_line.view());
    for (auto const mistake : command_line_.mistakes)
        sdk::log("silo manager: the command line's ", mistake, " makes no sense");
    catalogue_ = TRY(Catalogue::read(archive, *this));
    TRY(loop_.on_signal(timer_.get(), on_timer_));
    auto const order = TRY(boot_order(catalogue_));
    for (auto const* const program : order) {
        if (auto const instance = instance_of(*program))
            (*instance)->life.wanted();
        else
            on_bad_manifest(program->manifest.name.view(), instance.error());
    }
    start_session();
    start_waiting();
    begin_enumeration();
    return {};
}

void Manager::start_session() {
    auto const name = command_line_.wants_host_session ? std::string_view("session") : std::string_view("chevron");
    auto const* const program = catalogue_.find(name);
    if (program == nullptr)
        return on_bad_manifest(name, Error::not_found);
    auto const instance = instance_of(*program);
    if (!instance)
        return on_bad_manifest(name, instance.error());
    for (auto const word : command_line_.words) {
        auto text = String::from(word);
        if (!text || !(*instance)->arguments.push_back(std::move(*text)))
            break;
    }
    (*instance)->life.wanted();
}

// ---- Instances and schemes ----

Instance* Manager::find(std::string_view name) {
    for (auto& instance : instances_) {
        if (instance->name == name)
            return instance.get();
    }
    return nullptr;
}

Result<Instance*> Manager::create_instance(Program const& program, manifest::Name name) {
    std::unique_ptr<Instance> made(new (std::nothrow) Instance(*this, program, name));
    if (made == nullptr)
        return fail(Error::no_memory);
    made->id = ++last_id_;
    made->log = sdk::UniqueHandle(TRY(sys::log_create(log_capacity)));
    TRY(instances_.push_back(std::move(made)));
    return instances_.back().get();
}

// The one instance of a program that is neither a driver nor parameterised.
Result<Instance*> Manager::instance_of(Program const& program) {
    if (auto* const present = find(program.manifest.name.view())) {
        TRY(provide_schemes(*present));  // which it lost if it was given up
        return present;
    }
    auto* const made = TRY(create_instance(program, program.manifest.name));
    TRY(provide_schemes(*made));
    return made;
}

Result<> Manager::provide_schemes(Instance& instance) {
    bool is_first = true;
    for (auto const& provide : instance.program.manifest.provides) {
        auto name = provide.scheme;
        if (instance.device != 0)
            name = device_scheme(instance.program.manifest, provide.scheme, instance.number);
        else if (is_first && !instance.provided_as.view().empty())
            name = instance.provided_as;
        (void)TRY(schemes_.provide(name, provide.interface, instance));
        is_first = false;
    }
    return {};
}

Result<Instance*> Manager::provider_of(manifest::Name scheme) {
    if (auto* const known = schemes_.find(scheme.view()))
        return known->provider;
    auto const* const program = catalogue_.provider_of(scheme.view());
    if (program == nullptr)
        return nullptr;
    auto* const instance = TRY(instance_of(*program));
    // Its name may be taken by an instance that provides something else.
    auto* const provided = schemes_.find(scheme.view());
    return provided != nullptr ? instance : nullptr;
}

// ---- Starting ----

Manager::Readiness Manager::readiness(Instance& instance) {
    for (auto const& need : instance.program.manifest.needs) {
        auto const scheme = instance.scheme_of(need);
        auto const provider = scheme.view().empty() ? nullptr : provider_of(scheme).value_or(nullptr);
        if (provider != nullptr)
            continue;
        if (!all_devices_are_known_ && !scheme.view().empty())
            return Readiness::not_yet;
        if (!need.is_optional) {
            instance.remark("not started: nobody provides ",
                            scheme.view().empty() ? need.scheme.view() : scheme.view());
            return Readiness::never;
        }
    }
    return Readiness::ready;
}

void Manager::want(Instance& instance) {
    if (!instance.life.is_alive())
        instance.life.wanted();
    start_waiting();
}

// Starting one instance may make others ready, or want others; instances are only appended meanwhile.
void Manager::start_waiting() {
    bool has_progress = true;
    while (has_progress) {
        has_progress = false;
        for (std::size_t i = 0; i < instances_.size(); ++i) {
            auto& instance = *instances_[i];
            if (instance.life.state() != abi::StrateState::starting || instance.process || instance.is_opening_device)
                continue;
            switch (readiness(instance)) {
            case Readiness::not_yet: continue;
            case Readiness::never: instance.life.stopped(); break;
            case Readiness::ready: launch_or_fail(instance); break;
            }
            has_progress = true;
        }
    }
}

void Manager::launch_or_fail(Instance& instance) {
    if (instance.device != 0 && !instance.device_endpoint) {
        instance.is_opening_device = devices_.open(instance.device, instance.id).has_value();
        if (instance.is_opening_device)
            return;  // goes on in device_opened()
    }
    auto const launched = launch(instance);
    if (launched)
        return;
    sdk::log("silo manager: ", instance.name.view(), " cannot be started: ", launched.error());
    instance.remark("cannot be started: ", launched.error());
    end_run(instance);
    // What cannot get better by waiting is not tried again.
    if (launched.error() == Error::bad_executable || launched.error() == Error::not_supported)
        instance.life.stopped();
    else if (instance.life.launch_failed(instance.program.manifest.restart, sys::clock_now()))
        give_up(instance);
    else
        settle_end(instance);
}

// Whoever waits for an answer, or comes later, is told that there is none; somebody who starts it begins anew.
void Manager::give_up(Instance& instance) {
    sdk::log("silo manager: ", instance.name.view(), " is not tried again");
    instance.remark("not tried again");
    schemes_.remove_all_of(instance);
}

Result<abi::IsolationMode> Manager::isolation_of(Instance const& instance) const {
    auto mode = instance.program.manifest.isolation;
    for (auto const& chosen : command_line_.isolation) {
        if (chosen.strate == instance.program.manifest.name)
            mode = chosen.mode;
    }
    if (mode != abi::IsolationMode::wasm)
        return mode;
    sdk::log("silo manager: isolation mode ", abi::name_of(mode), " of ", instance.name.view(), " is not available");
    return fail(Error::not_supported);
}

namespace {

Result<> apply_cpu_limits(abi::Handle silo, CpuLimits const& limits) {
    return sys::silo_set_cpu_limits(silo, limits.quota_us, limits.period_us, limits.weight, limits.highest_priority);
}

}  // namespace

Result<> Manager::launch(Instance& instance) {
    instance.isolation = TRY(isolation_of(instance));
    TRY(provide_schemes(instance));
    auto const& program = instance.program;
    instance.silo = sdk::UniqueHandle(
        TRY(sys::silo_create(environment_.silo.get(), instance.memory_limit, 0, program.manifest.thread_limit)));
    TRY(apply_cpu_limits(instance.silo.get(), instance.cpu_limits));
    instance.silo_id = TRY(sys::silo_info(instance.silo.get())).id;
    auto builder = TRY(ProcessBuilder::create(instance.silo.get(), instance.name.view(), instance.isolation));
    TRY(builder.load(program, environment_.archive.get()));
    auto const own = TRY(builder.give_own(instance.silo.get(), instance.log.get()));
    auto block = TRY(sdk::make<start::StartBlockWriter>(own, instance.name.view(), instance.number));
    for (auto const& argument : instance.arguments)
        TRY(block->add_argument(argument.view()));
    TRY(grant_everything(instance, builder, *block));
    instance.image_base = builder.image_base();
    instance.process = TRY(builder.start(*block));
    if (auto const watched = loop_.on_signal(instance.process.get(), instance); !watched) {
        (void)sys::process_kill(instance.process.get());
        return watched;
    }
    instance.life.running(sys::clock_now());
    if (instance.life.restarts() != 0) {
        instance.remark("started again, restart ", instance.life.restarts());
        tell_clients(instance);
    }
    return {};
}

Result<> Manager::grant_everything(Instance& instance, ProcessBuilder& builder, start::StartBlockWriter& block) {
    using abi::Rights;
    auto const& listed = instance.program.manifest;
    auto const grant = [&block](std::uint32_t role, abi::Handle handle) {
        return block.add_grant({.role = role, .index = 0, .handle = handle});
    };
    std::size_t position = 0;
    for (std::size_t i = 0; i != schemes_.size(); ++i) {
        auto& scheme = schemes_[i];
        if (scheme.provider != &instance)
            continue;
        // In the manifest's order, in which they were made.
        auto const handle = TRY(builder.give_copy(scheme.endpoint.get(), Rights::send | Rights::receive |
                                                                             Rights::duplicate | Rights::transfer));
        TRY(grant(manifest::role_of_provide(position), handle));
        ++position;
    }
    TRY(grant_needs(instance, builder, block));
    if (!listed.devices.is_empty()) {
        auto const handle = TRY(builder.give(std::move(instance.device_endpoint)));
        TRY(grant(manifest::role_of_device(listed), handle));
    }
    for (std::size_t i = 0; i != listed.resources.size(); ++i) {
        auto const handle = TRY(give_resource(listed.resources[i], builder));
        TRY(grant(manifest::role_of_resource(listed, i), handle));
    }
    using manifest::Privilege;
    if (listed.has(Privilege::root_silo)) {
        auto const handle = TRY(builder.give_copy(environment_.silo.get(), all_rights));
        TRY(grant(manifest::role_of_privilege(listed, Privilege::root_silo), handle));
    }
    if (listed.has(Privilege::silo_manager)) {
        auto const handle =
            TRY(builder.give_copy(administration_, Rights::send | Rights::duplicate | Rights::transfer, instance.id));
        TRY(grant(manifest::role_of_privilege(listed, Privilege::silo_manager), handle));
    }
    if (listed.has(Privilege::dma)) {
        auto const handle = TRY(builder.give_copy(environment_.mmio.get(), Rights::manage));
        TRY(grant(manifest::role_of_privilege(listed, Privilege::dma), handle));
    }
    if (listed.has(Privilege::entropy)) {
        auto const handle = TRY(builder.give_copy(environment_.silo.get(), Rights::write));
        TRY(grant(manifest::role_of_privilege(listed, Privilege::entropy), handle));
    }
    return {};
}

Result<> Manager::grant_needs(Instance& instance, ProcessBuilder& builder, start::StartBlockWriter& block) {
    using abi::Rights;
    auto const& listed = instance.program.manifest;
    instance.connections.clear();
    for (std::size_t i = 0; i != listed.needs.size(); ++i) {
        auto const name = instance.scheme_of(listed.needs[i]);
        auto* const provider = name.view().empty() ? nullptr : TRY(provider_of(name));
        if (provider == nullptr)
            continue;  // optional, or readiness() would have said so
        // Whoever provides it starts too; until it serves, calls wait in the endpoint.
        if (provider->life.state() == abi::StrateState::stopped)
            provider->life.wanted();
        auto const* const scheme = schemes_.find(name.view());
        sdk::UniqueHandle restarted(TRY(sys::notification_create()));
        auto const role = manifest::role_of_need(listed, i);
        auto const endpoint =
            TRY(builder.give_copy(scheme->endpoint.get(), Rights::send | Rights::duplicate | Rights::transfer));
        TRY(block.add_grant({.role = role, .index = manifest::need_endpoint, .handle = endpoint}));
        auto const notification =
            TRY(builder.give_copy(restarted.get(), Rights::receive | Rights::duplicate | Rights::transfer));
        TRY(block.add_grant({.role = role, .index = manifest::need_restarted, .handle = notification}));
        TRY(instance.connections.push_back({.scheme = name, .restarted = std::move(restarted)}));
    }
    return {};
}

Result<abi::Handle> Manager::give_resource(manifest::Resource const& resource, ProcessBuilder& builder) {
    using abi::Rights;
    switch (resource.kind) {
    case manifest::ResourceKind::boot_archive:
        return builder.give_copy(environment_.archive.get(), Rights::read | Rights::map | Rights::execute |
                                                                 Rights::inspect | Rights::duplicate |
                                                                 Rights::transfer);
    case manifest::ResourceKind::kernel_log:
        return builder.give_copy(environment_.log.get(), Rights::read | Rights::inspect);
    case manifest::ResourceKind::port:
    case manifest::ResourceKind::memory:
    case manifest::ResourceKind::interrupt: break;
    }
    auto const root = resource.kind == manifest::ResourceKind::port     ? environment_.ports.get()
                      : resource.kind == manifest::ResourceKind::memory ? environment_.mmio.get()
                                                                        : environment_.interrupts.get();
    if (resource.length == 0)
        return builder.give_copy(root, all_rights);
    return builder.give(sdk::UniqueHandle(TRY(sys::io_region_create(root, resource.first, resource.length))));
}

void Manager::tell_clients(Instance const& provider) {
    for (auto const& instance : instances_) {
        for (auto const& connection : instance->connections) {
            auto const* const scheme = schemes_.find(connection.scheme.view());
            if (scheme != nullptr && scheme->provider == &provider)
                (void)sys::notification_signal(connection.restarted.get(), 1);
        }
    }
}

// ---- Ends and restarts ----

void Manager::on_process_ended(Instance& instance) {
    auto const info = sys::process_info(instance.process.get());
    auto const ending = info ? *info : abi::ProcessInfo{.state = abi::ProcessState::killed};
    switch (ending.state) {
    case abi::ProcessState::new_:
    case abi::ProcessState::running: return;  // not its end
    case abi::ProcessState::exited:
        instance.remark("ended with code ", ending.exit_code);
        if (ending.exit_code != 0)
            sdk::log("silo manager: ", instance.name.view(), " ended with code ", ending.exit_code);
        break;
    case abi::ProcessState::killed: instance.remark("killed"); break;
    case abi::ProcessState::crashed:
        instance.remark(
            "crashed: vector ", ending.fault_vector, ", error ", Hex{ending.fault_error}, ", address ",
            Hex{start::without_kernel_places(ending.fault_address, instance.image_base), 16}, ", instruction ",
            Hex{start::without_kernel_places(ending.fault_instruction, instance.image_base), 16}, " (image + ",
            Hex{start::without_kernel_places(ending.fault_instruction - instance.image_base, 0)}, ")");
        sdk::log("silo manager: ", instance.name.view(), " crashed at image + ",
                 Hex{start::without_kernel_places(ending.fault_instruction - instance.image_base, 0)});
        break;
    }
    end_run(instance);
    after_end(instance, ending.state, ending.exit_code);
    start_waiting();
}

// Whatever is left of a run goes: threads and processes it made, and connections.
void Manager::end_run(Instance& instance) {
    if (instance.process)
        loop_.remove(instance.process.get());
    instance.process.reset();
    if (instance.silo)
        (void)sys::silo_kill(instance.silo.get());
    instance.connections.clear();
    instance.device_endpoint.reset();
}

void Manager::after_end(Instance& instance, abi::ProcessState state, std::int64_t code) {
    instance.life.ended(state, code, instance.program.manifest.restart, sys::clock_now());
    settle_end(instance);
}

void Manager::settle_end(Instance& instance) {
    // A Linux silo that is over for good takes its endpoint along, so that nobody waits for an answer from it.
    if (!instance.bindings.is_empty() && instance.life.state() != abi::StrateState::restarting)
        schemes_.remove_all_of(instance);
    schedule_restarts();
}

void Manager::schedule_restarts() {
    auto next = never;
    for (auto const& instance : instances_) {
        if (instance->life.state() == abi::StrateState::restarting)
            next = std::min(next, instance->life.restart_at());
    }
    (void)timer_.set(next);
}

void Manager::restart_due() {
    auto const now = sys::clock_now();
    for (auto& instance : instances_) {
        if (instance->life.state() == abi::StrateState::restarting && instance->life.restart_at() <= now)
            instance->life.wanted();
    }
    start_waiting();
    schedule_restarts();
}

// ---- Devices ----

void Manager::begin_enumeration() {
    auto const* const program = catalogue_.provider_of_interface("DeviceManager");
    auto* const instance = program != nullptr ? find(program->manifest.name.view()) : nullptr;
    Scheme const* scheme = nullptr;
    for (std::size_t i = 0; instance != nullptr && i != schemes_.size(); ++i) {
        if (schemes_[i].provider == instance && schemes_[i].interface == "DeviceManager")
            scheme = &schemes_[i];
    }
    Result<> begun = fail(Error::not_found);
    if (scheme != nullptr) {
        begun = [&]() -> Result<> {
            if (!devices_.is_started()) {
                auto endpoint = TRY(scheme->endpoint.duplicate(abi::Rights::send));
                TRY(devices_.start(std::move(endpoint)));
                TRY(loop_.on_signal(devices_.answered(), on_devices_));
            }
            return devices_.enumerate();
        }();
    }
    if (!begun) {
        sdk::log("silo manager: devices cannot be listed: ", begun.error());
        all_devices_are_known_ = true;
        start_waiting();
    }
}

void Manager::take_device_answers() {
    while (auto answer = devices_.take_answer()) {
        switch (answer->kind) {
        case DeviceWorker::Kind::found_device: add_device(answer->device); break;
        case DeviceWorker::Kind::opened: device_opened(std::move(*answer)); break;
        case DeviceWorker::Kind::end_of_devices:
            if (!answer->result && ++enumeration_attempts_ < 3 && devices_.enumerate())
                break;  // the device manager may have been restarted meanwhile
            if (!answer->result)
                sdk::log("silo manager: listing devices ended early: ", answer->result.error());
            all_devices_are_known_ = true;
            break;
        }
    }
    start_waiting();
}

// The lowest number that no instance of this driver, and no scheme that it would provide, has yet.
std::uint32_t Manager::free_number(Program const& program) {
    for (std::uint32_t number = 0;; ++number) {
        bool is_free = find(numbered(program.manifest.name.view(), ".", number).view()) == nullptr;
        for (auto const& provide : program.manifest.provides)
            is_free &= schemes_.find(device_scheme(program.manifest, provide.scheme, number).view()) == nullptr;
        if (is_free)
            return number;
    }
}

void Manager::add_device(abi::DeviceDescription const& device) {
    auto const* const driver = catalogue_.driver_for(device);
    if (driver == nullptr)
        return;
    for (auto const& instance : instances_) {
        if (instance->device == device.id)
            return;  // found again
    }
    auto const number = free_number(*driver);
    auto const name = numbered(driver->manifest.name.view(), ".", number);
    auto const created = create_instance(*driver, name);
    if (!created)
        return on_bad_manifest(name.view(), created.error());
    auto& instance = **created;
    instance.device = device.id;
    instance.number = number;
    if (auto const provided = provide_schemes(instance); !provided)
        return on_bad_manifest(name.view(), provided.error());
    instance.life.wanted();
}

void Manager::device_opened(DeviceWorker::Answer answer) {
    for (auto& instance : instances_) {
        if (instance->id != answer.instance)
            continue;
        instance->is_opening_device = false;
        if (instance->life.state() != abi::StrateState::starting)
            return;  // stopped meanwhile
        if (answer.result) {
            instance->device_endpoint = std::move(answer.endpoint);
            return;  // start_waiting() launches it
        }
        instance->remark("its device cannot be opened: ", answer.result.error());
        after_end(*instance, abi::ProcessState::crashed, 0);
        return;
    }
}

// ---- Administration ----

Result<> Manager::start(std::string_view name) {
    auto* instance = find(name);
    if (instance == nullptr) {
        auto const* const program = catalogue_.find(name);
        if (program == nullptr || program->manifest.start == manifest::Start::device ||
            program->manifest.start == manifest::Start::first)
            return fail(Error::not_found);
        instance = TRY(instance_of(*program));
    }
    if (instance->life.is_alive() || instance->process)
        return fail(Error::bad_state);
    want(*instance);
    if (instance->life.state() == abi::StrateState::stopped)
        return fail(Error::not_found);  // something it needs
    return {};
}

Result<> Manager::stop(std::string_view name) {
    auto* const instance = find(name);
    if (instance == nullptr)
        return fail(Error::not_found);
    instance->life.stop_requested();
    if (instance->process)
        return sys::process_kill(instance->process.get());
    if (!instance->life.is_alive() && instance->life.state() != abi::StrateState::restarting)
        return fail(Error::bad_state);
    instance->life.stopped();
    schedule_restarts();
    return {};
}

Result<> Manager::kill(std::string_view name) {
    auto* const instance = find(name);
    if (instance == nullptr)
        return fail(Error::not_found);
    if (!instance->process)
        return fail(Error::bad_state);
    return sys::process_kill(instance->process.get());
}

Result<> Manager::restart(std::string_view name) {
    auto* const instance = find(name);
    if (instance == nullptr)
        return fail(Error::not_found);
    if (!instance->process) {
        want(*instance);
        return {};
    }
    instance->life.restart_requested();
    return sys::process_kill(instance->process.get());
}

Result<> Manager::set_memory_limit(std::string_view name, std::uint64_t bytes) {
    auto* const instance = find(name);
    if (instance == nullptr)
        return fail(Error::not_found);
    if (instance->process)
        TRY(sys::silo_set_limits(instance->silo.get(), bytes, 0, 0));
    instance->memory_limit = bytes;
    return {};
}

Result<> Manager::set_cpu_limits(std::string_view name, CpuLimits const& limits) {
    auto* const instance = find(name);
    if (instance == nullptr)
        return fail(Error::not_found);
    auto& own = instance->cpu_limits;
    CpuLimits const wanted{
        .quota_us = limits.quota_us != 0 ? limits.quota_us : own.quota_us,
        .period_us = limits.period_us != 0 ? limits.period_us : own.period_us,
        .weight = limits.weight != 0 ? limits.weight : own.weight,
        .highest_priority = limits.highest_priority != 0 ? limits.highest_priority : own.highest_priority,
    };
    if (instance->process)
        TRY(apply_cpu_limits(instance->silo.get(), wanted));
    own = wanted;
    return {};
}

Result<sdk::UniqueHandle> Manager::connect(std::string_view name) {
    if (name.empty())
        return fail(Error::not_found);
    auto* const provider = TRY(provider_of(manifest::Name::from(name)));
    if (provider == nullptr)
        return fail(Error::not_found);
    if (provider->life.state() == abi::StrateState::stopped) {
        want(*provider);
        if (provider->life.state() == abi::StrateState::stopped)
            return fail(Error::no_device);
    }
    return schemes_.find(name)->endpoint.duplicate(abi::Rights::send | abi::Rights::duplicate | abi::Rights::transfer);
}

Result<sdk::UniqueHandle> Manager::create_linux_silo(std::string_view name, std::string_view root_scheme,
                                                     std::uint64_t memory_limit, std::uint32_t process_limit) {
    auto const* const program = catalogue_.find(personality_program);
    if (program == nullptr || name.empty() || TRY(provider_of(manifest::Name::from(root_scheme))) == nullptr)
        return fail(Error::not_found);
    if (catalogue_.find(name) != nullptr)
        return fail(Error::already_exists);
    // A finished silo's name may be used again; its log stays readable until then. So may, beyond a number, the
    // oldest's place.
    for (std::size_t i = 0; i != instances_.size(); ++i) {
        auto& old = *instances_[i];
        bool const is_over = old.life.state() == abi::StrateState::finished ||
                             old.life.state() == abi::StrateState::crashed ||
                             old.life.state() == abi::StrateState::stopped;
        bool const is_surplus = instances_.size() > remembered_instances && !old.bindings.is_empty();
        if (!is_over || (old.name != name && !is_surplus))
            continue;
        schemes_.remove_all_of(old);
        instances_.erase(i);
        break;
    }
    if (find(name) != nullptr || schemes_.find(name) != nullptr)
        return fail(Error::already_exists);
    auto* const instance = TRY(create_instance(*program, manifest::Name::from(name)));
    auto const prepared = [&]() -> Result<> {
        instance->provided_as = instance->name;
        instance->memory_limit = memory_limit;
        TRY(instance->bindings.push_back(
            {.parameter = manifest::Name::from(root_parameter), .scheme = manifest::Name::from(root_scheme)}));
        // What programs of the silo are shown of the machine, and how many of them there may be.
        auto const add_argument = [&](std::string_view key, std::uint64_t value) -> Result<> {
            TextBuffer<48> argument;
            argument.append(key).append('=').append(value);
            return instance->arguments.push_back(TRY(String::from(argument.view())));
        };
        TRY(add_argument("process-limit", process_limit));
        TRY(add_argument("machine-memory", machine_->memory_total));
        return provide_schemes(*instance);
    }();
    if (!prepared) {
        schemes_.remove_all_of(*instance);
        instances_.pop_back();
        return fail(prepared.error());
    }
    auto endpoint = TRY(
        schemes_.find(name)->endpoint.duplicate(abi::Rights::send | abi::Rights::duplicate | abi::Rights::transfer));
    want(*instance);
    if (instance->life.state() == abi::StrateState::stopped)
        return fail(Error::no_device);
    return endpoint;
}

}  // namespace astrata::silo_manager
