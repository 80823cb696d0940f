// mem: who uses the memory.
#include "apps/chevron/commands/command.h"
#include "apps/chevron/commands/format.h"
#include "apps/chevron/shell.h"

namespace astrata::chevron {
namespace {

void print_amount(Context& context, std::string_view what, std::uint64_t bytes, std::uint64_t total) {
    ShortText size;
    ShortText share;
    append_size(size, bytes);
    append_percent(share, bytes, total);
    context.out.left(what, 14).right(size.view(), 9).right(bytes, 14).right(share.view(), 8).print('\n');
}

int print_silos(Context& context) {
    context.out.left("SILO", 20).right("USED", 10).right("PEAK", 10).right("LIMIT", 10).print('\n');
    for (std::uint32_t position = 0; !context.is_stopping(); ++position) {
        auto const instance = context.shell().manager().instance(position);
        if (!instance)
            return instance.error() == Error::not_found ? 0 : context.fail("silo manager", instance.error());
        ShortText used;
        ShortText peak;
        ShortText limit;
        append_size(used, instance->memory_used);
        append_size(peak, instance->memory_peak);
        if (instance->memory_limit != 0)
            append_size(limit, instance->memory_limit);
        else
            limit.append("none");
        context.out.left(instance->name.view(), 20)
            .right(used.view(), 10)
            .right(peak.view(), 10)
            .right(limit.view(), 10)
            .print('\n');
    }
    return 0;
}

// Page tables as they are, against the rules of docs/security.md.
int audit(Context& context) {
    auto const found = sys::memory_audit(context.shell().root_silo());
    if (!found)
        return context.fail("audit", found.error());
    struct Row {
        std::string_view what;
        std::uint64_t count;
    };
    auto const print = [&context](Row const& row) { context.out.left(row.what, 34).right(row.count, 10).print('\n'); };
    for (auto const& row : {Row{"address spaces", found->spaces}, Row{"page tables", found->tables},
                            Row{"kernel: code", found->kernel_code}, Row{"kernel: constants", found->kernel_constants},
                            Row{"kernel: data", found->kernel_data}, Row{"kernel: devices", found->kernel_devices},
                            Row{"native: code", found->native_code}, Row{"native: constants", found->native_constants},
                            Row{"native: data", found->native_data}, Row{"foreign", found->foreign},
                            Row{"foreign: writable and executable", found->foreign_write_and_execute}})
        print(row);
    context.out.print("violations\n");
    std::uint64_t violations = 0;
    for (auto const& row : {Row{"writable and executable", found->write_and_execute},
                            Row{"kernel half open to user mode", found->user_in_kernel_half},
                            Row{"kernel memory open to writes", found->exposed_tables},
                            Row{"executable outside the image", found->executable_memory},
                            Row{"kernel code writable elsewhere", found->writable_code}}) {
        print(row);
        violations += row.count;
    }
    return violations == 0 ? 0 : 1;
}

int print_nodes(Context& context) {
    context.out.left("NODE", 6).right("SIZE", 10).right("FREE", 10).right("LOCAL", 12).right("REMOTE", 12).print("  CPUS\n");
    for (std::uint32_t index = 0; !context.is_stopping(); ++index) {
        auto const node = sys::node_info(context.shell().root_silo(), index);
        if (!node)
            return node.error() == Error::out_of_range ? 0 : context.fail("node", node.error());
        ShortText number;
        ShortText size;
        ShortText free;
        number.append(index);
        append_size(size, node->memory_total);
        append_size(free, node->memory_free);
        context.out.left(number.view(), 6).right(size.view(), 10).right(free.view(), 10);
        context.out.right(node->local_allocations, 12).right(node->remote_allocations, 12).print(' ');
        for (unsigned cpu = 0; cpu < 64; ++cpu) {
            if ((node->cpus >> cpu & 1) != 0)
                context.out.print(' ', cpu);
        }
        context.out.print('\n');
    }
    return 0;
}

int mem(Context& context) {
    if (context.argument_count() == 1 && context.argument(0) == "audit")
        return audit(context);
    if (context.argument_count() == 1 && context.argument(0) == "silos")
        return print_silos(context);
    if (context.argument_count() == 1 && context.argument(0) == "nodes")
        return print_nodes(context);
    if (context.argument_count() != 0)
        return context.usage();
    auto const machine = sys::machine_info(context.shell().root_silo());
    if (!machine)
        return context.fail("machine", machine.error());
    auto const total = machine->memory_total;
    context.out.left("", 14).right("SIZE", 9).right("BYTES", 14).right("SHARE", 8).print('\n');
    print_amount(context, "total", total, total);
    print_amount(context, "free", machine->memory_free, total);
    print_amount(context, "used", total - std::min(total, machine->memory_free), total);
    print_amount(context, "  kernel", machine->memory_kernel, total);
    print_amount(context, "  page tables", machine->memory_page_tables, total);
    print_amount(context, "  user", machine->memory_user, total);
    print_amount(context, "  boot images", machine->memory_boot, total);
    return 0;
}

constexpr Command table[] = {
    {"mem", "[silos|nodes|audit]", "show how the memory is used, by kind, silo or NUMA node, or check all page tables", mem},
};

}  // namespace

constinit std::span<Command const> const memory_commands = table;

}  // namespace astrata::chevron
