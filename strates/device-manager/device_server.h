// The Device interface, for all devices: which one a call is for is in its badge.
#pragma once

#include "abi/device.h"
#include "strates/device-manager/session.h"

namespace astrata::device_manager {

class DeviceServer final : public abi::DeviceServer {
public:
    /// errors    no_memory
    [[nodiscard]] Result<> add_sessions(Inventory& inventory);
    [[nodiscard]] std::size_t size() const { return sessions_.size(); }
    [[nodiscard]] Session& session(std::size_t index) { return *sessions_[index]; }

    void description(sdk::Caller const&, DescriptionRequest const&, DescriptionResponder) override;
    void window(sdk::Caller const&, WindowRequest const&, WindowResponder) override;
    void interrupt(sdk::Caller const&, InterruptRequest const&, InterruptResponder) override;
    void dma(sdk::Caller const&, DmaRequest const&, DmaResponder) override;
    void read_configuration(sdk::Caller const&, ReadConfigurationRequest const&, ReadConfigurationResponder) override;
    void write_configuration(sdk::Caller const&, WriteConfigurationRequest const&,
                             WriteConfigurationResponder) override;

private:
    /// errors    no_device (the call comes from a driver that was replaced)
    Result<Session*> session_of(sdk::Caller const& caller);

    Vector<std::unique_ptr<Session>> sessions_;  // in the order of the inventory
};

}  // namespace astrata::device_manager
