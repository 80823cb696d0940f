// Mounts what the input describes and touches everything in it. The input is an image written sparsely, so that a small
// input makes a whole file system and the fuzzer's changes hit what matters:
//   byte 0        bit 0: verify checksums; the other bits: log2 of the image's size in KiB, at most 10 (1 MiB)
//   then records  u24 offset, u16 length, `length` bytes that lie there. What no record covers is zero.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "lib/base/bytes.h"
#include "lib/ext4/block_source.h"
#include "lib/ext4/walk_testing.h"

namespace astrata::ext4 {
namespace {

class ImageSource final : public BlockSource {
public:
    explicit ImageSource(std::string bytes) : image_(std::move(bytes)) {}

    [[nodiscard]] std::uint32_t block_size() const override { return 512; }
    [[nodiscard]] std::uint64_t block_count() const override { return image_.size() / 512; }
    async::Task<Result<>> read(std::uint64_t first, std::uint64_t count, MutableBytes into) override {
        // The reader never asks for what the volume does not have, however damaged its metadata.
        if (first > block_count() || count == 0 || count > block_count() - first || into.size() != count * 512)
            __builtin_trap();
        std::ranges::copy(as_bytes(image_).subspan(first * 512, count * 512), into.begin());
        co_return ok();
    }

private:
    std::string image_;
};

Result<std::string> decode_image(ByteReader& reader, unsigned log_size) {
    std::string image(std::size_t{1024} << std::min(log_size, 10u), '\0');
    while (reader.remaining() != 0) {
        auto const low = TRY(reader.read<le16>());
        auto const high = TRY(reader.read<std::uint8_t>());
        std::size_t const offset = std::uint32_t{low} | std::uint32_t{high} << 16;
        std::size_t const length = TRY(reader.read<le16>());
        auto const bytes = TRY(reader.take(std::min(length, reader.remaining())));
        if (offset < image.size())
            image.replace(offset, std::min(bytes.size(), image.size() - offset),
                          as_text(bytes.first(std::min(bytes.size(), image.size() - offset))));
    }
    return image;
}

void mount_and_walk(Bytes input) {
    ByteReader reader(input);
    auto const head = reader.read<std::uint8_t>();
    if (!head)
        return;
    auto image = decode_image(reader, *head >> 1);
    if (!image)
        return;
    ImageSource source(std::move(*image));
    auto const checksums = (*head & 1) != 0 ? Checksums::verify : Checksums::ignore;
    auto const volume = async::sync_wait(Volume::mount(source, {.cached_blocks = 16, .checksums = checksums}));
    if (volume)
        static_cast<void>(testing::walk(**volume, 40));
}

}  // namespace
}  // namespace astrata::ext4

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
#pragma clang unsafe_buffer_usage begin  // libFuzzer's interface
    astrata::ext4::mount_and_walk(std::as_bytes(std::span(data, size)));
#pragma clang unsafe_buffer_usage end
    return 0;
}
