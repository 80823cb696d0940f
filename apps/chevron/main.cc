// Starts the shell; when it ends, so does the machine.
#include "apps/chevron/shell.h"
#include "sdk/log.h"

namespace astrata {

Result<> strate_main(chevron::Environment& environment) {
    {
        auto const shell = TRY(chevron::Shell::create(environment));
        shell->run();
    }
    if (!environment.power)
        return fail(Error::not_supported);
    return abi::PowerClient(environment.power.endpoint.get()).power_off();
}

}  // namespace astrata
