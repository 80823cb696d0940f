#include "strates/linux/exec/stack_layout.h"

#include <algorithm>

#include "lib/base/units.h"

namespace astrata::linux_abi {
namespace {

constexpr std::size_t word = 8;

// Writes words upwards from the image's start.
class WordWriter {
public:
    explicit WordWriter(MutableBytes bytes) : bytes_(bytes) {}
    void put(std::uint64_t value) {
        static_cast<void>(store(bytes_, offset_, value));   // the image was sized for all of them
        offset_ += word;
    }
    [[nodiscard]] std::size_t offset() const { return offset_; }

private:
    MutableBytes bytes_;
    std::size_t offset_ = 0;
};

void put_pointers(WordWriter& writer, std::string_view packed, std::uint64_t address) {
    while (!packed.empty()) {
        writer.put(address);
        auto length = packed.find('\0') + 1;
        packed.remove_prefix(length);
        address += length;
    }
    writer.put(0);
}

}  // namespace

LinuxResult<StackImage> build_stack(StackRequest const& request) {
    // From the top down: a null word, the executable's name, environment, arguments, platform, random bytes; then, aligned,
    // the vectors of pointers.
    StackImage image;
    auto name_at = request.top - word - (request.executable_name.size() + 1);
    image.environment_end = name_at;
    image.environment_start = name_at - request.environment.size();
    image.arguments_end = image.environment_start;
    image.arguments_start = image.arguments_end - request.arguments.size();
    auto platform_at = image.arguments_start - (request.platform.size() + 1);
    auto random_at = align_down(platform_at - request.random.size(), 16);

    bool const has_platform = !request.platform.empty();
    std::size_t const own_entries = has_platform ? 4 : 3;   // random, name, platform, end
    auto words = 1 + request.argument_count + 1 + request.environment_count + 1 +
                 2 * (request.auxiliary.size() + own_entries);
    image.stack_pointer = align_down(random_at - words * word, 16);

    LTRY(image.bytes.resize(request.top - image.stack_pointer));
    auto bytes = image.bytes.span();
    std::ranges::fill(bytes, std::byte{0});
    auto put_text = [&](std::uint64_t address, std::string_view text) {
        std::ranges::copy(as_bytes(text), bytes.subspan(address - image.stack_pointer).begin());
    };
    put_text(name_at, request.executable_name);
    put_text(image.environment_start, request.environment);
    put_text(image.arguments_start, request.arguments);
    put_text(platform_at, request.platform);
    std::ranges::copy(request.random, bytes.subspan(random_at - image.stack_pointer).begin());

    WordWriter writer(bytes);
    writer.put(request.argument_count);
    put_pointers(writer, request.arguments, image.arguments_start);
    put_pointers(writer, request.environment, image.environment_start);
    image.auxiliary_start = image.stack_pointer + writer.offset();
    auto put_entry = [&](AuxiliaryKind kind, std::uint64_t value) {
        writer.put(static_cast<std::uint64_t>(kind));
        writer.put(value);
    };
    for (auto const& entry : request.auxiliary)
        put_entry(entry.kind, entry.value);
    put_entry(AuxiliaryKind::random, random_at);
    put_entry(AuxiliaryKind::executable_name, name_at);
    if (has_platform)
        put_entry(AuxiliaryKind::platform, platform_at);
    put_entry(AuxiliaryKind::end, 0);
    image.auxiliary_length = image.stack_pointer + writer.offset() - image.auxiliary_start;
    return image;
}

}  // namespace astrata::linux_abi
