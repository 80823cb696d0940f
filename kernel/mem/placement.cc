#include "kernel/mem/placement.h"

#include <cstddef>

namespace astrata::kernel {

namespace {

class Choices {
public:
    explicit Choices(crypto::ChaChaKey const& key) : block_(crypto::chacha20_block(key, 0, {})) {}

    /// A multiple of `step` below `end`. The bias of the division is of the order of 2^-32.
    std::uint64_t below(std::uint64_t end, std::uint64_t step) {
        auto const word = std::uint64_t{block_[next_]} | std::uint64_t{block_[next_ + 1]} << 32;
        next_ += 2;
        return word % (end / step) * step;
    }

private:
    crypto::ChaChaBlock block_;
    std::size_t next_ = 0;
};

}  // namespace

Placement choose_placement(crypto::ChaChaKey const& key, std::uint64_t image_bytes) {
    Choices choices(key);
    Placement placement;
    // The image moves by large pages of the early tables.
    auto const image_room = layout::no_address - layout::image_region - align_up(image_bytes, huge_page_size);
    placement.image += choices.below(image_room, huge_page_size);
    // So that pages of 1 GiB still fit.
    constexpr std::uint64_t gigabyte = std::uint64_t{1} << 30;
    placement.direct_map +=
        choices.below(layout::hosted_region - layout::direct_map_region - layout::direct_map_limit, gigabyte);
    placement.hosted +=
        choices.below(layout::dynamic_region - layout::hosted_region - layout::hosted_length, layout::root_slot_bytes);
    // The last slot before the end of the address space is the image's.
    auto const dynamic_end = VirtAddr{0 - layout::root_slot_bytes};
    placement.dynamic +=
        choices.below(dynamic_end - layout::dynamic_region - layout::dynamic_length, layout::root_slot_bytes);
    placement.stacks_offset = choices.below(layout::dynamic_length / 2 - stacks_room, page_size);
    placement.devices_offset = choices.below(layout::dynamic_length / 2 - devices_room, page_size);
    return placement;
}

}  // namespace astrata::kernel
