// The DeviceManager interface: listing devices and opening them.
#pragma once

#include "strates/device-manager/device_server.h"

namespace astrata::device_manager {

class ManagerServer final : public abi::DeviceManagerServer {
public:
    /// devices          whose sessions are opened; borrowed
    /// device_endpoint  sending handle to the endpoint that serves `devices`; drivers' handles are derived from it;
    /// borrowed
    ManagerServer(DeviceServer& devices, sdk::UniqueHandle const& device_endpoint)
        : devices_(devices), device_endpoint_(device_endpoint) {}

    void next(sdk::Caller const&, NextRequest const& request, NextResponder responder) override {
        for (std::size_t index = 0; index < devices_.size(); ++index) {
            auto const& description = devices_.session(index).record().description;
            if (description.id > request.after)
                return responder.reply(description);
        }
        responder.fail(Error::not_found);
    }

    void open(sdk::Caller const&, OpenRequest const& request, OpenResponder responder) override {
        for (std::size_t index = 0; index < devices_.size(); ++index) {
            auto& session = devices_.session(index);
            if (session.record().description.id != request.id)
                continue;
            auto endpoint = session.open(device_endpoint_, static_cast<std::uint32_t>(index));
            if (!endpoint)
                return responder.fail(endpoint.error());
            return responder.reply(std::move(*endpoint));
        }
        responder.fail(Error::not_found);
    }

private:
    DeviceServer& devices_;
    sdk::UniqueHandle const& device_endpoint_;
};

}  // namespace astrata::device_manager
