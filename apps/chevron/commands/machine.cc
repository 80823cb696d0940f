// cpuinfo, irq, lspci, dmesg: the machine under the system.
#include <array>

#include "apps/chevron/commands/command.h"
#include "apps/chevron/commands/format.h"
#include "apps/chevron/shell.h"
#include "lib/pci/class_names.h"

namespace astrata::chevron {
namespace {

// Bits of the words that CpuInfo carries (Intel SDM volume 2, CPUID leaves 1 and 7): EDX low and ECX high, EBX low and
// ECX high.
struct Feature {
    unsigned bit;
    std::string_view name;
};
constexpr auto features = std::to_array<Feature>({
    {0, "fpu"},    {4, "tsc"},     {5, "msr"},           {6, "pae"},      {8, "cx8"},        {9, "apic"},
    {13, "pge"},   {15, "cmov"},   {16, "pat"},          {19, "clflush"}, {23, "mmx"},       {24, "fxsr"},
    {25, "sse"},   {26, "sse2"},   {28, "ht"},           {32, "sse3"},    {33, "pclmulqdq"}, {41, "ssse3"},
    {44, "fma"},   {45, "cx16"},   {49, "pcid"},         {51, "sse4_1"},  {52, "sse4_2"},    {53, "x2apic"},
    {54, "movbe"}, {55, "popcnt"}, {56, "tsc_deadline"}, {57, "aes"},     {58, "xsave"},     {60, "avx"},
    {61, "f16c"},  {62, "rdrand"}, {63, "hypervisor"},
});
constexpr auto extended_features = std::to_array<Feature>({
    {0, "fsgsbase"},
    {3, "bmi1"},
    {5, "avx2"},
    {7, "smep"},
    {8, "bmi2"},
    {9, "erms"},
    {10, "invpcid"},
    {16, "avx512f"},
    {18, "rdseed"},
    {19, "adx"},
    {20, "smap"},
    {23, "clflushopt"},
    {29, "sha"},
    {34, "umip"},
    {35, "pku"},
    {48, "la57"},
    {54, "rdpid"},
});

void print_features(Context& context, abi::CpuInfo const& cpu) {
    context.out.left("features", 12);
    for (auto const& feature : features) {
        if ((cpu.features >> feature.bit & 1) != 0)
            context.out.print(' ', feature.name);
    }
    for (auto const& feature : extended_features) {
        if ((cpu.extended_features >> feature.bit & 1) != 0)
            context.out.print(' ', feature.name);
    }
    context.out.print('\n');
}

// Calls `use(abi::CpuInfo const&)` for each CPU.
template <typename Use>
int for_each_cpu(Context& context, Use use) {
    auto const machine = sys::machine_info(context.shell().root_silo());
    if (!machine)
        return context.fail("machine", machine.error());
    for (std::uint32_t index = 0; index < machine->cpus && !context.is_stopping(); ++index) {
        auto const cpu = sys::cpu_info(context.shell().root_silo(), index);
        if (!cpu)
            return context.fail("CPU", cpu.error());
        use(*cpu);
    }
    return 0;
}

int cpuinfo(Context& context) {
    if (context.argument_count() != 0)
        return context.usage();
    auto const machine = sys::machine_info(context.shell().root_silo());
    if (!machine)
        return context.fail("machine", machine.error());
    auto const frequency_khz = machine->tsc_frequency_hz / 1000;
    return for_each_cpu(context, [&](abi::CpuInfo const& cpu) {
        ShortText busy;
        append_percent(busy, cpu.busy_ns, cpu.busy_ns + cpu.idle_ns);
        context.out.left("cpu", 12).print(' ', cpu.id, cpu.is_online != 0 ? "" : " (offline)", '\n');
        context.out.left("brand", 12).print(' ', cpu.brand.view(), '\n');
        context.out.left("vendor", 12)
            .print(' ', cpu.vendor.view(), ", family ", cpu.family, ", model ", cpu.model, ", stepping ", cpu.stepping,
                   '\n');
        context.out.left("hardware id", 12).print(' ', cpu.hardware_id, '\n');
        context.out.left("TSC", 12).print(' ', frequency_khz / 1000, '.').print(frequency_khz % 1000 / 100, " MHz\n");
        context.out.left("busy", 12)
            .print(' ', busy.view(), ", ", cpu.switches, " switches, ", cpu.interrupts, " interrupts\n");
        print_features(context, cpu);
    });
}

int list_cpus(Context& context) {
    context.out.left("CPU", 6).left("STATE", 10).right("ID", 6).right("BUSY", 9).right("SWITCHES", 12).print('\n');
    return for_each_cpu(context, [&](abi::CpuInfo const& cpu) {
        ShortText busy;
        append_percent(busy, cpu.busy_ns, cpu.busy_ns + cpu.idle_ns);
        ShortText index;
        index.append(cpu.id);
        context.out.left(index.view(), 6).left(cpu.is_online != 0 ? "online" : "offline", 10).right(cpu.hardware_id, 6);
        context.out.right(cpu.is_online != 0 ? busy.view() : "-", 9).right(cpu.switches, 12).print('\n');
    });
}

int cpu(Context& context) {
    auto const verb = context.argument(0);
    if (verb == "list" && context.argument_count() == 1)
        return list_cpus(context);
    bool const is_online = verb == "online";
    auto const index = parse_size(context.argument(1));
    if (context.argument_count() != 2 || !index || *index > 0xffff || (!is_online && verb != "offline"))
        return context.usage();
    auto const set =
        sys::cpu_set_online(context.shell().root_silo(), static_cast<std::uint32_t>(*index), is_online ? 1 : 0);
    if (set)
        return 0;
    auto const name = context.argument(1);
    switch (set.error()) {
    case Error::out_of_range: return context.fail(name, "no such CPU; `cpu list' shows them");
    case Error::bad_state: return context.fail(name, "is the last CPU");
    case Error::not_supported: return context.fail(name, "takes the devices' interrupts and stays online");
    case Error::timed_out: return context.fail(name, "does not answer");
    default: return context.fail(name, set.error());
    }
}

int irq(Context& context) {
    if (context.argument_count() != 0)
        return context.usage();
    context.out.left("CPU", 6).right("INTERRUPTS", 14).right("TIMER", 14).right("OTHER", 14).print('\n');
    return for_each_cpu(context, [&](abi::CpuInfo const& cpu) {
        context.out.print(cpu.id);
        context.out.right(cpu.interrupts, cpu.id < 10 ? 19 : 18).right(cpu.timer_interrupts, 14);
        context.out.right(cpu.interrupts - std::min(cpu.interrupts, cpu.timer_interrupts), 14).print('\n');
    });
}

int lspci(Context& context) {
    if (context.argument_count() != 0)
        return context.usage();
    auto const& devices = context.shell().environment().devices;
    if (!devices)
        return context.fail("there is no device manager");
    abi::DeviceManagerClient const manager(devices.endpoint.get());
    for (std::uint64_t after = 0; !context.is_stopping();) {
        auto const device = manager.next(after);
        if (!device)
            return device.error() == Error::not_found ? 0 : context.fail("device manager", device.error());
        if (device->id <= after)
            return context.fail("device manager", Error::bad_message);
        after = device->id;
        TextBuffer<160> line;
        switch (device->bus) {
        case abi::BusKind::pci:
            line.hex(device->address >> 16, 4).append(':').hex(device->address >> 8 & 0xff, 2).append(':');
            line.hex(device->address >> 3 & 0x1f, 2).append('.').hex(device->address & 7).append("  ");
            line.hex(device->vendor, 4)
                .append(':')
                .hex(device->device, 4)
                .append("  ")
                .append(pci::class_name(device->class_code));
            break;
        case abi::BusKind::virtio_mmio:
            line.append("virtio-mmio ").append(device->address).append("  device ").append(device->device);
            break;
        case abi::BusKind::platform: line.append("platform  ").append(device->name.view()); break;
        }
        context.out.print(line.view(), device->driver_state != 0 ? "  (in use)" : "", '\n');
    }
    return 0;
}

int dmesg(Context& context) {
    if (context.argument_count() != 0)
        return context.usage();
    auto const buffer = HeapBytes::create(4096);
    if (!buffer)
        return context.fail("log", buffer.error());
    for (std::uint64_t position = 0; !context.is_stopping();) {
        auto const read = sys::log_read(context.shell().environment().kernel_log.get(), position, buffer->span());
        if (!read)
            return context.fail("log", read.error());
        if (read->count == 0 || read->count > buffer->span().size())
            break;
        context.out.print(as_text(buffer->span().first(read->count)));
        position = read->next;
    }
    return 0;
}

constexpr Command table[] = {
    {"cpu", "list | offline|online INDEX", "take processors out of use and back", cpu, Completes::verbs},
    {"cpuinfo", "", "describe the processors", cpuinfo},
    {"irq", "", "count the interrupts of each processor", irq},
    {"lspci", "", "list the devices", lspci},
    {"dmesg", "", "print Bedrock's log", dmesg},
};

}  // namespace

constinit std::span<Command const> const machine_commands = table;

}  // namespace astrata::chevron
