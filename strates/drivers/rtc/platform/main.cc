// Reads the clock once and tells Bedrock.
#include "platform-rtc/environment.h"
#include "sdk/driver/device.h"
#include "sdk/log.h"
#include "strates/drivers/rtc/platform/clocks.h"

namespace astrata {

Result<> strate_main(platform_rtc::Environment& environment) {
    abi::DeviceClient const device(environment.device.get());
    auto const description = TRY(device.description());
    auto const window = TRY(sdk::MappedWindow::map(device, 0));
    auto const time = TRY(platform_rtc::read_time(window.registers(), description.name.view()));
    auto const since_boot = sys::clock_now().value;
    if (time < since_boot) {
        sdk::log("the real-time clock begins with 1970: it was never set");
        return {};
    }
    TRY(sys::clock_set_wall(environment.root_silo.get(), time - since_boot));
    sdk::log("wall clock set to ", time / 1'000'000'000, " s after 1970");
    return {};
}

}  // namespace astrata
