// Calls inside one process, for tests of clients and servers: a call to an endpoint runs its server at once.
#pragma once

#include <map>
#include <vector>

#include "sdk/ipc/server.h"

namespace astrata::sdk::testing {

/// Endpoints by handle. Installs itself in the vDSO's table; one at a time. Handles are numbers that it counts.
class Loopback {
public:
    Loopback();
    ~Loopback();
    Loopback(Loopback const&) = delete;
    Loopback& operator=(Loopback const&) = delete;

    void serve(abi::Handle endpoint, Server& server) { servers_[endpoint] = &server; }
    void set_kind(abi::Handle handle, abi::ObjectKind kind) { kinds_[handle] = kind; }
    /// The next `count` calls fail with peer_closed.
    void fail_calls(unsigned count) { failing_calls_ = count; }

    std::vector<abi::Handle> closed;  ///< every handle that was closed
    unsigned sleeps = 0;

private:
    static Loopback* current;
    std::uint64_t call(abi::Handle endpoint, abi::Message& message);
    std::uint64_t reply(abi::Handle handle, abi::Message const& message);

    std::map<abi::Handle, Server*> servers_;
    std::map<abi::Handle, abi::ObjectKind> kinds_;
    abi::Handle next_reply_ = 1'000'000;
    std::map<abi::Handle, abi::Message> replies_;
    std::map<abi::Handle, std::vector<std::byte>> reply_payloads_;
    unsigned failing_calls_ = 0;
};

}  // namespace astrata::sdk::testing
