#include "lib/start/start_block.h"

#include <algorithm>
#include <cstring>

namespace astrata::start {

StartBlockWriter::StartBlockWriter(OwnHandles const& own, std::string_view instance_name, std::uint32_t instance) {
    header_.own = own;
    header_.instance = instance;
    header_.instance_name = abi::Text<32>::from(instance_name);
}

Result<> StartBlockWriter::add_grant(Grant grant) {
    if (header_.grants == grants_.size())
        return fail(Error::no_resources);
    grants_[header_.grants++] = grant;
    return {};
}

Result<> StartBlockWriter::add_argument(std::string_view text) {
    if (text.find('\0') != text.npos)
        return fail(Error::invalid_argument);
    if (header_.arguments == argument_limit || text_.size() - header_.argument_bytes < text.size() + 1)
        return fail(Error::no_resources);
    auto const space = std::span(text_).subspan(header_.argument_bytes, text.size() + 1);
    std::ranges::copy(as_bytes(text), space.begin());
    space.back() = std::byte{0};
    header_.argument_bytes += static_cast<std::uint32_t>(text.size() + 1);
    ++header_.arguments;
    return {};
}

Bytes StartBlockWriter::finish() {
    auto const grants = std::as_bytes(std::span(grants_).first(header_.grants));
    auto const text = std::span(text_).first(header_.argument_bytes);
    auto const total = sizeof(StartHeader) + grants.size() + text.size();
    header_.total_bytes = static_cast<std::uint32_t>(total);
    MutableBytes rest(block_);
    auto const append = [&rest](Bytes part) {
        std::ranges::copy(part, rest.begin());
        rest = rest.subspan(part.size());
    };
    append(std::as_bytes(std::span(&header_, 1)));
    append(grants);
    append(text);
    return Bytes(block_).first(total);
}

Result<StartBlock> StartBlock::parse(Bytes bytes) {
    StartBlock block;
    auto const header = load<StartHeader>(bytes, 0);
    if (!header || header->magic != start_magic)
        return fail(Error::corrupt);
    if (header->version != start_version)
        return fail(Error::not_supported);
    block.header_ = *header;
    auto const grant_bytes = std::uint64_t{header->grants} * sizeof(Grant);
    if (header->total_bytes > bytes.size() || header->total_bytes > start_block_limit ||
        sizeof(StartHeader) + grant_bytes + header->argument_bytes != header->total_bytes)
        return fail(Error::corrupt);
    block.grants_ = bytes.subspan(sizeof(StartHeader), grant_bytes);
    block.text_ = as_text(bytes.subspan(sizeof(StartHeader) + grant_bytes, header->argument_bytes));
    auto const ends = static_cast<std::size_t>(std::ranges::count(block.text_, '\0'));
    if (ends != header->arguments || (!block.text_.empty() && block.text_.back() != '\0'))
        return fail(Error::corrupt);
    return block;
}

abi::Handle StartBlock::grant(std::uint32_t role, std::uint32_t index) const {
    for (std::size_t offset = 0; offset < grants_.size(); offset += sizeof(Grant)) {
        auto const found = load<Grant>(grants_, offset);
        if (found && found->role == role && found->index == index)
            return found->handle;
    }
    return 0;
}

std::string_view StartBlock::argument(std::size_t position) const {
    if (position >= header_.arguments)
        return {};
    auto rest = text_;
    for (; position != 0; --position)
        rest.remove_prefix(rest.find('\0') + 1);
    return rest.substr(0, rest.find('\0'));
}

}  // namespace astrata::start
