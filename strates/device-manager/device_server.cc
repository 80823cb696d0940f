#include "strates/device-manager/device_server.h"

#include <new>

namespace astrata::device_manager {

Result<> DeviceServer::add_sessions(Inventory& inventory) {
    TRY(sessions_.reserve(inventory.size()));
    for (std::size_t index = 0; index < inventory.size(); ++index) {
        std::unique_ptr<Session> session(new (std::nothrow) Session(inventory, inventory.record(index)));
        if (session == nullptr)
            return fail(Error::no_memory);
        TRY(sessions_.push_back(std::move(session)));
    }
    return {};
}

Result<Session*> DeviceServer::session_of(sdk::Caller const& caller) {
    auto const index = (caller.badge & 0xffff'ffff) - 1;
    if (index >= sessions_.size())
        return fail(Error::no_device);
    auto* const session = sessions_[index].get();
    // A call that was under way while its handle was revoked belongs to the former driver.
    if (caller.badge >> 32 != session->generation())
        return fail(Error::no_device);
    return session;
}

void DeviceServer::description(sdk::Caller const& caller, DescriptionRequest const&, DescriptionResponder responder) {
    auto const session = session_of(caller);
    if (!session)
        return responder.fail(session.error());
    responder.reply((*session)->record().description);
}

void DeviceServer::window(sdk::Caller const& caller, WindowRequest const& request, WindowResponder responder) {
    auto result = session_of(caller).and_then([&](Session* session) { return session->window(request.position); });
    if (!result)
        return responder.fail(result.error());
    responder.reply(result->window, std::move(result->region));
}

void DeviceServer::interrupt(sdk::Caller const& caller, InterruptRequest const& request, InterruptResponder responder) {
    auto result = session_of(caller).and_then([&](Session* session) { return session->interrupt(request.position); });
    if (!result)
        return responder.fail(result.error());
    responder.reply(std::move(result->interrupt), result->needs_acknowledge ? 1 : 0);
}

void DeviceServer::dma(sdk::Caller const& caller, DmaRequest const&, DmaResponder responder) {
    auto result = session_of(caller).and_then([](Session* session) { return session->dma(); });
    if (!result)
        return responder.fail(result.error());
    responder.reply(std::move(*result));
}

void DeviceServer::read_configuration(sdk::Caller const& caller, ReadConfigurationRequest const& request,
                                      ReadConfigurationResponder responder) {
    auto const result = session_of(caller).and_then(
        [&](Session* session) { return session->read_configuration(request.offset, request.width); });
    if (!result)
        return responder.fail(result.error());
    responder.reply(*result);
}

void DeviceServer::write_configuration(sdk::Caller const& caller, WriteConfigurationRequest const& request,
                                       WriteConfigurationResponder responder) {
    auto const result = session_of(caller).and_then(
        [&](Session* session) { return session->write_configuration(request.offset, request.width, request.value); });
    if (!result)
        return responder.fail(result.error());
    responder.reply();
}

}  // namespace astrata::device_manager
