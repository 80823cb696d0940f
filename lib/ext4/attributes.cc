#include "lib/ext4/attributes.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "lib/checksum/crc32c.h"

namespace astrata::ext4 {
namespace {

constexpr std::uint8_t system_prefix = 7;
constexpr std::string_view inline_data_name = "data";  // behind system_prefix

// By the number that stands for it. Two stand for a whole name.
constexpr std::array<std::string_view, 9> prefixes = {
    "",          "user.",   "system.posix_acl_access", "system.posix_acl_default", "trusted.", "",
    "security.", "system.", "system.richacl"};

struct Attribute {
    std::uint8_t prefix;
    std::string_view rest;
    Bytes value;  // empty when `value_inode` is set
    InodeNumber value_inode;
    std::uint32_t value_size;

    [[nodiscard]] bool is_inline_data() const { return prefix == system_prefix && rest == inline_data_name; }
    // Nothing when the number is unknown.
    [[nodiscard]] std::optional<AttributeName> name() const {
        if (prefix >= prefixes.size() || prefixes[prefix].empty())
            return std::nullopt;
        return AttributeName{.prefix = prefixes[prefix], .rest = rest};
    }
};

// Reads the entries of one place front to back.
class AttributeReader {
public:
    /// entries   from the first entry on;   values: what value offsets count from
    AttributeReader(Bytes entries, Bytes values) : entries_(entries), values_(values) {}

    /// Nothing at the end.
    Result<std::optional<Attribute>> next() {
        // Four zero bytes end the list; so does the end of the space, for entries that fill it.
        auto const marker = load<le32>(entries_, 0);
        if (!marker || *marker == 0)
            return std::nullopt;
        auto const entry = TRY(load_or_corrupt());
        auto const name = entries_.subspan(sizeof(entry), entry.name_length);
        Attribute attribute{.prefix = entry.name_prefix,
                            .rest = as_text(name),
                            .value_inode = entry.value_inode,
                            .value_size = entry.value_size};
        if (entry.value_inode == 0) {
            if (entry.value_offset > values_.size() || entry.value_size > values_.size() - entry.value_offset)
                return fail(Error::corrupt);
            attribute.value = values_.subspan(entry.value_offset, entry.value_size);
        }
        auto const length = align_to_entry(sizeof(entry) + entry.name_length);
        entries_ = entries_.subspan(std::min(length, entries_.size()));
        return attribute;
    }

private:
    static std::size_t align_to_entry(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

    Result<layout::AttributeEntry> load_or_corrupt() const {
        auto const entry = load<layout::AttributeEntry>(entries_, 0);
        if (!entry || entries_.size() - sizeof(*entry) < entry->name_length)
            return fail(Error::corrupt);
        return *entry;
    }

    Bytes entries_;
    Bytes values_;
};

AttributeReader reader_in_inode(Bytes stored_inode, std::uint16_t extra_size) {
    auto const start = std::min(sizeof(layout::Inode) + extra_size, stored_inode.size());
    auto const space = stored_inode.subspan(start);
    auto const magic = load<le32>(space, 0);
    // Without the magic number there are no attributes here: older inodes have other things in this place.
    if (extra_size == 0 || !magic || *magic != layout::attribute_magic)
        return {{}, {}};
    auto const entries = space.subspan(sizeof(le32));
    return {entries, entries};
}

Result<AttributeReader> reader_in_block(Superblock const& superblock, CachedBlock& block) {
    constexpr auto checksum_at = offsetof(layout::AttributeBlockHeader, checksum);
    constexpr std::array<std::byte, sizeof(le32)> zeroed{};
    constexpr std::uint64_t verified_tag = std::uint64_t{2} << 32;

    auto const bytes = block.bytes();
    auto const header = TRY(load<layout::AttributeBlockHeader>(bytes, 0));
    if (header.magic != layout::attribute_magic || header.block_count != 1)
        return fail(Error::corrupt);
    if (superblock.has_metadata_checksums && !block.is_verified_as(verified_tag)) {
        le64 const number = block.number();
        auto sum = checksum::crc32c_update(superblock.checksum_seed, std::as_bytes(std::span(&number, 1)));
        sum = checksum::crc32c_update(sum, bytes.first(checksum_at));
        sum = checksum::crc32c_update(sum, zeroed);
        sum = checksum::crc32c_update(sum, bytes.subspan(checksum_at + zeroed.size()));
        if (sum != header.checksum)
            return fail(Error::corrupt);
        block.set_verified_as(verified_tag);
    }
    return AttributeReader(bytes.subspan(sizeof(header)), bytes);
}

// Visits the entries of one place; true when the visitor has had enough.
Result<bool> list_from(AttributeReader reader, AttributeVisitor& visitor) {
    while (auto const attribute = TRY(reader.next())) {
        auto const name = attribute->name();
        if (name && !attribute->is_inline_data() && !visitor.visit(*name, attribute->value_size))
            return true;
    }
    return false;
}

// The size of the named attribute's value, once copied; nothing when it is not among the entries.
Result<std::optional<std::size_t>> copy_from(AttributeReader reader, std::string_view wanted, MutableBytes into) {
    while (auto const attribute = TRY(reader.next())) {
        auto const name = attribute->name();
        if (!name || !name->is(wanted) || attribute->is_inline_data())
            continue;
        if (attribute->value_inode != 0)
            return fail(Error::not_supported);
        if (!into.empty()) {
            if (into.size() < attribute->value.size())
                return fail(Error::out_of_range);
            std::ranges::copy(attribute->value, into.begin());
        }
        return attribute->value.size();
    }
    return std::nullopt;
}

}  // namespace

async::Task<Result<>> list_attributes(Metadata& metadata, Inode const& inode, AttributeVisitor& visitor) {
    auto const stored = CO_TRY(co_await read_stored_inode(metadata, inode.number));
    bool const is_stopped = CO_TRY(list_from(reader_in_inode(stored.span(), inode.extra_size), visitor));
    if (is_stopped || inode.attribute_block == 0)
        co_return ok();
    if (!metadata.superblock.contains(inode.attribute_block, 1))
        co_return fail(Error::corrupt);
    auto block = CO_TRY(co_await metadata.block(inode.attribute_block));
    auto const reader = CO_TRY(reader_in_block(metadata.superblock, block));
    CO_TRY(list_from(reader, visitor));
    co_return ok();
}

async::Task<Result<std::size_t>> get_attribute(Metadata& metadata, Inode const& inode, std::string_view name,
                                               MutableBytes into) {
    auto const stored = CO_TRY(co_await read_stored_inode(metadata, inode.number));
    auto const in_inode = CO_TRY(copy_from(reader_in_inode(stored.span(), inode.extra_size), name, into));
    if (in_inode)
        co_return *in_inode;
    if (inode.attribute_block == 0)
        co_return fail(Error::not_found);
    if (!metadata.superblock.contains(inode.attribute_block, 1))
        co_return fail(Error::corrupt);
    auto block = CO_TRY(co_await metadata.block(inode.attribute_block));
    auto const reader = CO_TRY(reader_in_block(metadata.superblock, block));
    auto const in_block = CO_TRY(copy_from(reader, name, into));
    if (!in_block)
        co_return fail(Error::not_found);
    co_return *in_block;
}

Result<Bytes> find_inline_data(Bytes stored_inode, std::uint16_t extra_size) {
    auto reader = reader_in_inode(stored_inode, extra_size);
    while (auto const attribute = TRY(reader.next())) {
        if (!attribute->is_inline_data())
            continue;
        if (attribute->value_inode != 0)
            return fail(Error::not_supported);
        return attribute->value;
    }
    return Bytes{};
}

}  // namespace astrata::ext4
