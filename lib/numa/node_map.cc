#include "lib/numa/node_map.h"

#include <algorithm>

namespace astrata::numa {

Result<std::uint8_t> NodeMap::node_of_domain(std::uint32_t domain) {
    auto const known = std::span(domains_).first(domain_count_);
    auto const found = static_cast<std::size_t>(std::ranges::find(known, domain) - known.begin());
    if (found == domain_count_) {
        if (domain_count_ == node_limit)
            return fail(Error::no_resources);
        domains_[domain_count_++] = domain;
    }
    return static_cast<std::uint8_t>(found);
}

Result<> NodeMap::add_memory(std::uint32_t domain, PhysAddr start, std::uint64_t length) {
    auto const end = start + length;
    if (end < start)
        return fail(Error::corrupt);
    auto const node = TRY(node_of_domain(domain));
    if (length == 0)
        return {};
    std::size_t index = 0;
    while (index < part_count_ && parts_[index].end <= start)
        ++index;
    if (index < part_count_ && parts_[index].start < end)
        return fail(Error::corrupt);
    if (part_count_ == part_limit)
        return fail(Error::no_resources);
    auto const tail = std::span(parts_).subspan(index, part_count_ - index);
    std::ranges::copy_backward(tail, std::span(parts_).first(++part_count_).end());
    parts_[index] = {.start = start, .end = end, .node = node};
    return {};
}

Result<> NodeMap::add_processor(std::uint32_t domain, std::uint32_t id) {
    auto const node = TRY(node_of_domain(domain));
    for (auto const& known : std::span(processors_).first(processor_count_)) {
        if (known.id == id)
            return known.node == node ? ok() : fail(Error::corrupt);
    }
    if (processor_count_ == processor_limit)
        return fail(Error::no_resources);
    processors_[processor_count_++] = {.id = id, .node = node};
    return {};
}

std::uint8_t NodeMap::node_of_processor(std::uint32_t id) const {
    auto const known = std::span(processors_).first(processor_count_);
    auto const found = std::ranges::find(known, id, &Processor::id);
    return found != known.end() ? found->node : std::uint8_t{0};
}

std::array<std::uint8_t, node_limit> NodeMap::nearest_first(std::size_t from) const {
    std::array<std::uint8_t, node_limit> order{};
    // Insertion keeps the lower number first among equals.
    for (std::size_t node = 0; node < count(); ++node) {
        auto place = node;
        for (; place > 0 && distance(from, order[place - 1]) > distance(from, node); --place)
            order[place] = order[place - 1];
        order[place] = static_cast<std::uint8_t>(node);
    }
    return order;
}

}  // namespace astrata::numa
