#include "apps/chevron/io/file.h"

#include <algorithm>
#include <utility>

#include "apps/chevron/memory.h"

namespace astrata::chevron {
namespace {

constexpr std::size_t write_limit = 3900;  // bytes of one FileSystem.write
constexpr std::uint32_t new_file_mode = 0644;

class FileReader final : public Channel {
public:
    FileReader(sdk::UniqueHandle contents, std::uint64_t size) : contents_(std::move(contents)), size_(size) {}

    Result<std::size_t> read(MutableBytes into) override {
        auto const count = std::min<std::uint64_t>(into.size(), size_ - position_);
        if (count == 0)
            return 0;
        auto const done = TRY(sys::memory_object_read(contents_.get(), position_, into.first(count)));
        position_ += done;
        return done;
    }

private:
    sdk::UniqueHandle contents_;
    std::uint64_t size_;
    std::uint64_t position_ = 0;
};

class FileWriter final : public Channel {
public:
    FileWriter(Ref<Mount> mount, std::uint64_t node, std::uint64_t position)
        : mount_(std::move(mount)), node_(node), position_(position) {}

    Result<> write(Bytes bytes) override {
        while (!bytes.empty()) {
            auto const done =
                TRY(mount_->client().write(node_, position_, bytes.first(std::min(bytes.size(), write_limit))));
            if (done == 0 || done > bytes.size())
                return fail(Error::io);
            position_ += done;
            bytes = bytes.subspan(done);
        }
        return {};
    }

private:
    Ref<Mount> mount_;
    std::uint64_t node_;
    std::uint64_t position_;
};

}  // namespace

Result<Ref<Channel>> open_for_reading(Found const& file) {
    switch (file.attributes.kind) {
    case abi::NodeKind::file: break;
    case abi::NodeKind::directory: return fail(Error::is_a_directory);
    default: return fail(Error::not_supported);
    }
    auto opened = TRY(file.client().open(file.attributes.node));
    return Ref<Channel>(TRY(make_ref<FileReader>(std::move(opened.contents), opened.size)));
}

Result<Ref<Channel>> open_for_writing(NameSpace& names, Path const& path, WriteMode mode) {
    auto const found = names.find(path);
    if (!found && found.error() != Error::not_found)
        return fail(found.error());
    if (!found) {
        auto const place = TRY(names.find_place(path));
        auto const made =
            TRY(place.client().create(place.directory, place.name(), abi::NodeKind::file, new_file_mode, 0, 0, 0));
        return Ref<Channel>(TRY(make_ref<FileWriter>(place.mount, made.node, std::uint64_t{0})));
    }
    if (found->attributes.kind == abi::NodeKind::directory)
        return fail(Error::is_a_directory);
    if (found->attributes.kind != abi::NodeKind::file)
        return fail(Error::not_supported);
    auto position = found->attributes.size;
    if (mode == WriteMode::truncate) {
        abi::NodeAttributes empty = found->attributes;
        empty.size = 0;
        TRY(found->client().set_attributes(empty.node, abi::AttributeMask::size, empty));
        position = 0;
    }
    return Ref<Channel>(TRY(make_ref<FileWriter>(found->mount, found->attributes.node, position)));
}

}  // namespace astrata::chevron
