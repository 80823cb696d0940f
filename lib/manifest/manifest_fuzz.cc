// Any bytes: decoding fails or gives a manifest whose roles can be counted.
#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/manifest/device_match.h"
#include "lib/manifest/manifest.h"
#include "lib/manifest/roles.h"

#pragma clang unsafe_buffer_usage begin  // the fuzzer's own interface
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    auto const bytes = std::as_bytes(std::span(data, size));
#pragma clang unsafe_buffer_usage end
    using namespace astrata;
    auto const manifest = manifest::Manifest::decode(bytes);
    if (!manifest)
        return 0;
    (void)manifest::role_of_privilege(*manifest, manifest::Privilege::dma);
    (void)manifest::match_quality(*manifest, abi::DeviceDescription{});
    return 0;
}
