#include "lib/manifest/manifest.h"

#include <algorithm>

namespace astrata::manifest {

namespace {

constexpr std::uint32_t magic = 0x54464d41;  // "AMFT"
constexpr std::uint16_t version = 2;

// The stored form: little-endian records without padding, as emit_manifest.py packs them.
struct StoredHeader {
    le32 magic;
    le16 version;
    le16 header_bytes;
    le32 total_bytes;
    le32 isolation;
    le32 start;
    le32 restart;
    le32 threads;
    le32 privileges;
    le64 memory;
    le32 cpu_percent;
    le32 cpu_weight;
    le16 provides;
    le16 needs;
    le16 devices;
    le16 resources;
    Name name;
};
static_assert(sizeof(StoredHeader) == 88);

struct StoredProvide {
    Name interface;
    Name scheme;
};
static_assert(sizeof(StoredProvide) == 64);

struct StoredNeed {
    Name interface;
    Name name;
    Name scheme;
    le32 flags;  // bit 0: optional
    le32 reserved;
};
static_assert(sizeof(StoredNeed) == 104);

struct StoredDevice {
    le32 kind;
    le32 vendor;
    le32 device;
    le32 class_code;
    le32 class_mask;
    le32 reserved;
    Name name;
};
static_assert(sizeof(StoredDevice) == 56);

struct StoredResource {
    le32 kind;
    le32 reserved;
    le64 first;
    le64 length;
    Name name;
};
static_assert(sizeof(StoredResource) == 56);

std::unexpected<Error> corrupt() {
    return fail(Error::corrupt);
}

// Printable without spaces, ended and padded by NULs.
bool is_name(Name const& name) {
    auto const text = name.view();
    return !text.empty() && text.size() < name.bytes.size() &&
           std::ranges::all_of(
               text, [](char c) { return c > ' ' && c < 0x7f; }) &&
           std::ranges::all_of(std::span(name.bytes).subspan(text.size()), [](char c) { return c == 0; });
}

bool is_empty_or_name(Name const& name) {
    return std::ranges::all_of(name.bytes, [](char c) { return c == 0; }) || is_name(name);
}

template <typename Enum>
Result<Enum> enumerator(std::uint32_t value, Enum last) {
    if (value > static_cast<std::uint32_t>(last))
        return corrupt();
    return static_cast<Enum>(value);
}

Result<> decode_provide(ByteReader& reader, Manifest& manifest) {
    auto const stored = TRY(reader.read<StoredProvide>());
    if (!is_name(stored.interface) || !is_name(stored.scheme))
        return corrupt();
    return manifest.provides.push_back({.interface = stored.interface, .scheme = stored.scheme});
}

Result<> decode_need(ByteReader& reader, Manifest& manifest) {
    auto const stored = TRY(reader.read<StoredNeed>());
    if (!is_name(stored.interface) || !is_name(stored.name) || !is_name(stored.scheme) || stored.flags > 1 ||
        stored.reserved != 0)
        return corrupt();
    return manifest.needs.push_back({.interface = stored.interface,
                                     .name = stored.name,
                                     .scheme = stored.scheme,
                                     .is_optional = stored.flags != 0});
}

Result<> decode_device(ByteReader& reader, Manifest& manifest) {
    auto const stored = TRY(reader.read<StoredDevice>());
    auto const kind = TRY(enumerator(stored.kind, DeviceKind::platform));
    if (stored.reserved != 0 || !is_empty_or_name(stored.name))
        return corrupt();
    return manifest.devices.push_back({.kind = kind,
                                       .vendor = stored.vendor,
                                       .device = stored.device,
                                       .class_code = stored.class_code,
                                       .class_mask = stored.class_mask,
                                       .name = stored.name});
}

Result<> decode_resource(ByteReader& reader, Manifest& manifest) {
    auto const stored = TRY(reader.read<StoredResource>());
    auto const kind = TRY(enumerator(stored.kind, ResourceKind::kernel_log));
    if (stored.reserved != 0 || !is_name(stored.name) || std::uint64_t{stored.first} + stored.length < stored.first)
        return corrupt();
    return manifest.resources.push_back(
        {.kind = kind, .first = stored.first, .length = stored.length, .name = stored.name});
}

Result<Manifest> decode_all(Bytes bytes) {
    ByteReader reader(bytes);
    auto const header = TRY(reader.read<StoredHeader>());
    if (header.magic != magic)
        return corrupt();
    if (header.version != version)
        return fail(Error::not_supported);
    if (header.header_bytes != sizeof(StoredHeader) || header.total_bytes != bytes.size() || !is_name(header.name) ||
        header.privileges > 15)
        return corrupt();
    Manifest manifest;
    manifest.name = header.name;
    manifest.isolation = TRY(enumerator(header.isolation, abi::IsolationMode::wasm));
    manifest.start = TRY(enumerator(header.start, Start::first));
    manifest.restart = TRY(enumerator(header.restart, Restart::never));
    manifest.memory_limit = header.memory;
    manifest.thread_limit = header.threads;
    if (header.cpu_percent > 6400 || header.cpu_weight > 10'000)
        return corrupt();
    manifest.cpu_percent = header.cpu_percent;
    manifest.cpu_weight = header.cpu_weight;
    manifest.privileges = header.privileges;
    for (unsigned i = 0; i != header.provides; ++i)
        TRY(decode_provide(reader, manifest));
    for (unsigned i = 0; i != header.needs; ++i)
        TRY(decode_need(reader, manifest));
    for (unsigned i = 0; i != header.devices; ++i)
        TRY(decode_device(reader, manifest));
    for (unsigned i = 0; i != header.resources; ++i)
        TRY(decode_resource(reader, manifest));
    if (reader.remaining() != 0 || (manifest.start == Start::device) != (manifest.devices.size() != 0))
        return corrupt();
    return manifest;
}

}  // namespace

Result<Manifest> Manifest::decode(Bytes bytes) {
    // Too short and too many are, to whoever asks, the same as malformed.
    return decode_all(bytes).transform_error(
        [](Error error) { return error == Error::not_supported ? error : Error::corrupt; });
}

}  // namespace astrata::manifest
