// Whatever the host sends, parameters stay within their bounds and well-formed, and every byte is consumed.
#include <cstdlib>
#include <vector>

#include "strates/session/control_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace astrata;
    std::vector<std::byte> storage(256);
    std::vector<std::byte> line(128);
    shell::ProgramParameters parameters{storage};
    session::ControlProtocol protocol{line, parameters};
    auto rest = as_bytes(std::string_view(reinterpret_cast<char const*>(data), size));
    while (!rest.empty()) {
        auto const progress = protocol.feed(rest);
        if (progress.consumed == 0 || (progress.event && !progress.problem.empty()))
            std::abort();
        rest = rest.subspan(progress.consumed);
    }
    auto const length = parameters.serialize(parameters.program(), [](Bytes) -> Result<> { return {}; });
    if (!length || *length > storage.size() + shell::path_limit + 64)
        std::abort();
    return 0;
}
