// Reads what firmware says, finds the devices, serves them.
#include "device-manager/environment.h"
#include "sdk/event_loop.h"
#include "sdk/log.h"
#include "strates/device-manager/acpi_tables.h"
#include "strates/device-manager/cpu_hotplug.h"
#include "strates/device-manager/devicetree.h"
#include "strates/device-manager/manager_server.h"
#include "strates/device-manager/power.h"

namespace astrata {

Result<> strate_main(device_manager::Environment& environment) {
    using namespace device_manager;
    Machine const machine{.ports = environment.ports.get(),
                          .memory = environment.memory.get(),
                          .interrupts = environment.interrupts.get(),
                          .dma = environment.dma.get(),
                          .root_silo = environment.root_silo.get()};
    auto const info = TRY(sys::machine_info(machine.root_silo));
    auto const facts = info.devicetree_length != 0
                           ? read_devicetree(machine.memory, PhysAddr{info.devicetree}, info.devicetree_length)
                           : read_acpi(machine.memory, PhysAddr{info.acpi_rsdp});
    Inventory inventory(machine);
    TRY(inventory.discover(facts, info));
    sdk::log(inventory.size(), " devices, ", name_of(facts.firmware));

    DeviceServer devices;
    TRY(devices.add_sessions(inventory));
    sdk::UniqueHandle endpoint(TRY(sys::endpoint_create()));
    using enum abi::Rights;
    auto const device_endpoint = TRY(endpoint.duplicate(send | duplicate | transfer));
    ManagerServer manager(devices, device_endpoint);
    PowerServer power(machine, facts);

    CpuHotplug hotplug(machine, facts);

    auto loop = TRY(sdk::EventLoop::create());
    if (hotplug.is_possible()) {
        power.enable_acpi_mode(*facts.fadt);
        if (auto const started = hotplug.start(loop); !started)
            sdk::log("nothing will be heard of CPUs that are plugged in: ", started.error());
    }
    TRY(loop.serve(std::move(endpoint), devices));
    TRY(loop.serve(std::move(environment.devices), manager));
    TRY(loop.serve(std::move(environment.power), power));
    return loop.run();
}

}  // namespace astrata
