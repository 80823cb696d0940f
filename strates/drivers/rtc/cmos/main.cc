// Reads the real-time clock once and tells Bedrock.
#include "cmos-rtc/environment.h"
#include "sdk/log.h"
#include "strates/drivers/rtc/cmos/rtc.h"

namespace astrata {

namespace {

class PortRegisters final : public cmos_rtc::Registers {
public:
    explicit PortRegisters(abi::Handle ports) : ports_(ports) {}

    std::uint8_t read(std::uint8_t index) override {
        // Bit 7 of the index port disables non-maskable interrupts; it stays 0. A failed access reads as nothing there.
        if (!sys::port_write(ports_, 0, 1, index))
            return 0xff;
        return static_cast<std::uint8_t>(sys::port_read(ports_, 1, 1).value_or(0xff));
    }

private:
    abi::Handle ports_;
};

}  // namespace

Result<> strate_main(cmos_rtc::Environment& environment) {
    PortRegisters registers(environment.cmos.get());
    auto const seconds = cmos_rtc::read_time(registers);
    auto const since_boot = sys::clock_now().value;
    if (!seconds || *seconds <= static_cast<std::int64_t>(since_boot / 1'000'000'000)) {
        // A machine without a clock is no failure of ours; its time just begins in 1970.
        sdk::log("no usable real-time clock: ", seconds ? Error::corrupt : seconds.error());
        return {};
    }
    TRY(sys::clock_set_wall(environment.root_silo.get(),
                            static_cast<std::uint64_t>(*seconds) * 1'000'000'000 - since_boot));
    sdk::log("wall clock set to ", *seconds, " s after 1970");
    return {};
}

}  // namespace astrata
