#include "lib/cpio/archive.h"

#include <array>

#include "lib/base/numbers.h"
#include "lib/base/units.h"

namespace astrata::cpio {

namespace {

constexpr std::size_t header_size = 110;
constexpr std::size_t magic_size = 6;
constexpr std::size_t field_size = 8;
constexpr std::string_view trailer = "TRAILER!!!";

// Fields in the header, in units of eight hexadecimal digits after the magic.
constexpr std::size_t field_mode = 1;
constexpr std::size_t field_file_size = 6;
constexpr std::size_t field_name_size = 11;

Result<std::uint32_t> field(std::string_view header, std::size_t position) {
    auto digits = header.substr(magic_size + position * field_size, field_size);
    auto const value = take_number(digits, 16);
    if (!value || !digits.empty())
        return fail(Error::corrupt);
    return static_cast<std::uint32_t>(*value);
}

std::string_view without_leading_slash(std::string_view name) {
    if (name.starts_with("./"))
        name.remove_prefix(2);
    while (name.starts_with('/'))
        name.remove_prefix(1);
    return name;
}

}  // namespace

Result<std::optional<Entry>> Reader::next() {
    if (archive_.size() - position_ < header_size)
        return fail(Error::corrupt);
    auto const header = as_text(archive_.subspan(position_, header_size));
    // 070702 has checksums, which we ignore.
    if (!header.starts_with("070701") && !header.starts_with("070702"))
        return fail(Error::corrupt);
    Entry entry;
    entry.mode = TRY(field(header, field_mode));
    std::uint64_t const file_size = TRY(field(header, field_file_size));
    std::uint64_t const name_size = TRY(field(header, field_name_size));  // with its NUL
    auto const name_begin = position_ + header_size;
    if (name_size == 0 || name_size > archive_.size() - name_begin)
        return fail(Error::corrupt);
    auto const stored_name = as_text(archive_.subspan(name_begin, name_size));
    // Names may be padded with more NULs, which is how archives align their contents to pages.
    auto const name_length = stored_name.find('\0');
    if (name_length == stored_name.npos)
        return fail(Error::corrupt);
    auto const name = stored_name.substr(0, name_length);
    if (name == trailer)
        return std::optional<Entry>();
    auto const contents_begin = align_up(name_begin + name_size, 4);
    if (contents_begin > archive_.size() || file_size > archive_.size() - contents_begin)
        return fail(Error::corrupt);
    entry.name = without_leading_slash(name);
    entry.contents = archive_.subspan(contents_begin, file_size);
    entry.contents_offset = contents_begin;
    // The last entry's padding may be missing.
    position_ = std::min<std::uint64_t>(align_up(contents_begin + file_size, 4), archive_.size());
    return std::optional(entry);
}

Result<Entry> find(Bytes archive, std::string_view name) {
    Reader reader(archive);
    while (auto const entry = TRY(reader.next())) {
        if (entry->name == name)
            return *entry;
    }
    return fail(Error::not_found);
}

}  // namespace astrata::cpio
