// /dev/null, zero, full, random and urandom (null(4), full(4), random(4)).

#include <algorithm>
#include <array>

#include "abi/system_calls.h"
#include "strates/linux/core/make.h"
#include "strates/linux/devices/devices.h"
#include "strates/linux/file/ioctl.h"

namespace astrata::linux_abi {

namespace {

class NullFile final : public File {
public:
    NullFile(Path const& path, std::uint32_t flags) : File(&path, flags) {}
    LinuxResult<std::size_t> read(IoBuffer&, std::uint64_t&) override { return std::size_t{0}; }
    LinuxResult<std::size_t> write(IoBuffer& from, std::uint64_t&) override { return from.remaining(); }
    [[nodiscard]] bool is_seekable() const override { return true; }
};

/// zero and full: they differ in what writing does.
class ZeroFile final : public File {
public:
    ZeroFile(Path const& path, std::uint32_t flags, bool is_full) : File(&path, flags), is_full_(is_full) {}
    LinuxResult<std::size_t> read(IoBuffer& into, std::uint64_t&) override {
        constexpr std::uint64_t part = 1 << 20;  // between looks for signals
        if (into.remaining() <= part) [[likely]]
            return into.zero_out(part);
        std::size_t done = 0;
        while (!into.is_done() && (done == 0 || !is_interrupted())) {
            auto const zeroed = into.zero_out(std::min(part, into.remaining()));
            if (!zeroed)
                return done != 0 ? LinuxResult<std::size_t>(done) : zeroed;
            done += *zeroed;
            if (*zeroed == 0)
                break;
        }
        return done;
    }
    LinuxResult<std::size_t> write(IoBuffer& from, std::uint64_t&) override {
        return is_full_ ? LinuxResult<std::size_t>(fail(Errno::enospc)) : from.remaining();
    }
    [[nodiscard]] bool is_seekable() const override { return true; }
    LinuxResult<FileMapping> map(MapRequest const& request) override {
        return is_full_ ? LinuxResult<FileMapping>(fail(Errno::enodev)) : FileMapping{.object_size = request.length};
    }

private:
    bool const is_full_;
};

class RandomFile final : public File {
public:
    RandomFile(Path const& path, std::uint32_t flags) : File(&path, flags) {}
    LinuxResult<std::size_t> read(IoBuffer& into, std::uint64_t&) override {
        std::size_t done = 0;
        while (!into.is_done() && (done == 0 || !is_interrupted())) {
            std::array<std::byte, 512> bytes;
            auto const part = MutableBytes(bytes).first(std::min<std::uint64_t>(bytes.size(), into.remaining()));
            LTRY(sys::random_read(part));
            auto const copied = into.copy_out(part);
            if (!copied)
                return done != 0 ? LinuxResult<std::size_t>(done) : copied;
            done += *copied;
            if (*copied < part.size())
                break;
        }
        return done;
    }
    // Mixing in what programs think is random would add nothing that Bedrock's generator needs.
    LinuxResult<std::size_t> write(IoBuffer& from, std::uint64_t&) override { return from.remaining(); }
    LinuxResult<std::int64_t> ioctl(std::uint32_t request, std::uint64_t argument) override {
        if (request != ioctl_request::random_entropy)
            return fail(Errno::enotty);
        LTRY(write_guest(GuestAddress{argument}, std::int32_t{256}));
        return std::int64_t{0};
    }
};

}  // namespace

LinuxResult<Ref<File>> open_memory_device(Path const& path, std::uint64_t number, std::uint32_t flags) {
    switch (number) {
    case device_id::null: return Ref<File>(LTRY(make_ref<NullFile>(path, flags)));
    case device_id::zero: return Ref<File>(LTRY(make_ref<ZeroFile>(path, flags, false)));
    case device_id::full: return Ref<File>(LTRY(make_ref<ZeroFile>(path, flags, true)));
    case device_id::random:
    case device_id::urandom: return Ref<File>(LTRY(make_ref<RandomFile>(path, flags)));
    default: return fail(Errno::enxio);
    }
}

}  // namespace astrata::linux_abi
