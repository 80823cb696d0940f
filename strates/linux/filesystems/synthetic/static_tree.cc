#include "strates/linux/filesystems/synthetic/static_tree.h"

#include <new>

#include "strates/linux/core/make.h"

namespace astrata::linux_abi {

LinuxResult<> StaticInode::generate(TextBuffer& text) {
    if (entry_.generate == nullptr)
        return fail(Errno::eio);
    entry_.generate(text);
    return {};
}

LinuxResult<> StaticInode::store(std::string_view text) {
    if (entry_.store == nullptr)
        return fail(Errno::eacces);
    return entry_.store(text);
}

LinuxResult<LookupResult> StaticInode::lookup(std::string_view name) {
    for (auto const& child : entry_.present_children()) {
        if (child.name == name)
            return LookupResult{.inode = Ref<Inode>(LTRY(make_ref<StaticInode>(file_system(), child)))};
    }
    return LookupResult{};
}

LinuxResult<> StaticInode::read_directory(std::uint64_t position, DirectorySink& sink) {
    auto const children = entry_.present_children();
    for (auto index = position; index < children.size(); ++index) {
        auto const& child = children[index];
        if (!sink.add(child.name, child.number(), child.type(), index + 1))
            break;
    }
    return {};
}

LinuxResult<std::size_t> StaticInode::read_link(std::span<char> into) {
    if (entry_.link_target == nullptr)
        return fail(Errno::einval);
    return entry_.link_target(into);
}

LinuxResult<Ref<StaticFileSystem>> StaticFileSystem::create(std::string_view type_name, std::uint64_t magic,
                                                            StaticEntry const& root) {
    auto* made = new (std::nothrow) StaticFileSystem(type_name, magic);
    if (made == nullptr)
        return fail(Errno::enomem);
    auto file_system = Ref<StaticFileSystem>::adopt(*made);
    file_system->root_ = Ref<Inode>(LTRY(make_ref<StaticInode>(*file_system, root)));
    return file_system;
}

}  // namespace astrata::linux_abi
