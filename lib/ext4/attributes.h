// Extended attributes: named values that lie behind the inode's fields or in a block of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/async/task.h"
#include "lib/ext4/inode.h"
#include "lib/ext4/metadata.h"

namespace astrata::ext4 {

/// An attribute's full name is its prefix ("user.", "security.", ...) followed by the rest.
struct AttributeName {
    std::string_view prefix;
    std::string_view rest;

    [[nodiscard]] std::size_t size() const { return prefix.size() + rest.size(); }
    [[nodiscard]] bool is(std::string_view full) const {
        return full.starts_with(prefix) && full.substr(prefix.size()) == rest;
    }
};

class AttributeVisitor {
public:
    /// Called for each attribute; the arguments are valid during the call only. False ends the walk.
    virtual bool visit(AttributeName const& name, std::size_t value_size) = 0;

protected:
    ~AttributeVisitor() = default;
};

/// Names all attributes whose prefix this reader knows, except the one that holds inline data.
/// errors    corrupt, io, no_memory
async::Task<Result<>> list_attributes(Metadata& metadata, Inode const& inode, AttributeVisitor& visitor);

/// Copies the value of the attribute called `name` to the front of `into` and returns its size. An empty `into` asks
/// for the size only. errors    not_found, out_of_range (`into` is too small), not_supported (the value is in an inode
/// of its own), corrupt,
///           io, no_memory
async::Task<Result<std::size_t>> get_attribute(Metadata& metadata, Inode const& inode, std::string_view name,
                                               MutableBytes into);

/// Where the part of inline data that does not fit in the block area lies in a stored inode; empty if there is none.
/// errors    corrupt, not_supported
Result<Bytes> find_inline_data(Bytes stored_inode, std::uint16_t extra_size);

}  // namespace astrata::ext4
