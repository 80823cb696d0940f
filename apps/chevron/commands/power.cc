// reboot and shutdown.
#include "apps/chevron/commands/command.h"
#include "apps/chevron/shell.h"

namespace astrata::chevron {
namespace {

int shutdown(Context& context) {
    if (context.argument_count() != 0)
        return context.usage();
    auto const& power = context.shell().environment().power;
    if (!power)
        return context.fail("nothing here can switch the machine off");
    auto const done = abi::PowerClient(power.endpoint.get()).power_off();
    return done ? 0 : context.fail("power", done.error());
}

int reboot(Context& context) {
    if (context.argument_count() != 0)
        return context.usage();
    auto const& power = context.shell().environment().power;
    if (power) {
        if (abi::PowerClient(power.endpoint.get()).reset())
            return 0;
    }
    // No firmware to ask: the processor can still reset itself.
    auto const done = sys::machine_reset(context.shell().root_silo());
    return done ? 0 : context.fail("reset", done.error());
}

constexpr Command table[] = {
    {"shutdown", "", "switch the machine off", shutdown},
    {"reboot", "", "start the machine anew", reboot},
};

}  // namespace

constinit std::span<Command const> const power_commands = table;

}  // namespace astrata::chevron
