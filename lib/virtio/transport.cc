#include "lib/virtio/transport.h"

namespace astrata::virtio {

Result<> reset(Transport& transport) {
    // The specification gives no bound. Each read is a bus access, so this is at least tens of milliseconds on
    // hardware.
    constexpr int patience = 100'000;
    transport.set_status(0);
    for (int attempt = 0; attempt < patience; ++attempt) {
        if (transport.status() == 0)
            return {};
    }
    return fail(Error::timed_out);
}

Result<std::uint64_t> negotiate(Transport& transport, std::uint64_t wanted, std::uint64_t required) {
    TRY(reset(transport));
    transport.set_status(status::acknowledge);
    transport.set_status(status::acknowledge | status::driver);
    auto const offered = transport.device_features();
    auto const needed = required | feature::version_1;
    if ((offered & needed) != needed) {
        give_up(transport);
        return fail(Error::not_supported);
    }
    // A device behind an IOMMU refuses to work without access_platform; our device addresses are right in either case.
    auto const chosen = offered & (wanted | needed | feature::access_platform);
    transport.set_driver_features(chosen);
    transport.set_status(status::acknowledge | status::driver | status::features_ok);
    if ((transport.status() & status::features_ok) == 0) {
        give_up(transport);
        return fail(Error::not_supported);
    }
    return chosen;
}

Result<> start(Transport& transport) {
    transport.set_status(static_cast<std::uint8_t>(transport.status() | status::driver_ok));
    if ((transport.status() & (status::needs_reset | status::failed)) != 0)
        return fail(Error::io);
    return {};
}

void give_up(Transport& transport) {
    transport.set_status(static_cast<std::uint8_t>(transport.status() | status::failed));
}

}  // namespace astrata::virtio
