// Fills a tree from arbitrary bytes, which boot archives are as far as the strate knows.
#include "strates/fs/ramfs/population.h"

using namespace astrata;
using namespace astrata::ramfs;

namespace {

class NoContents final : public Contents {
public:
    Result<std::uint64_t> size() override { return 0; }
    Result<> set_size(std::uint64_t) override { return {}; }
    Result<std::uint64_t> write(std::uint64_t, Bytes bytes) override { return bytes.size(); }
};

class NoSource final : public ContentsSource, public ArchiveContentsSource {
public:
    Result<std::unique_ptr<Contents>> create_empty() override { return std::make_unique<NoContents>(); }
    Result<std::unique_ptr<Contents>> from_archive(std::uint64_t, std::uint64_t) override { return create_empty(); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
#pragma clang unsafe_buffer_usage begin  // libFuzzer's interface is a pointer and a length
    auto const archive = std::as_bytes(std::span(data, size));
#pragma clang unsafe_buffer_usage end
    NoSource source;
    auto const tree = Tree::create(source, 0).value();
    (void)populate(*tree, archive, "", source, 0);
    std::array<std::byte, 300> buffer;
    (void)tree->read_directory(Tree::root, 0, buffer);
    return 0;
}
