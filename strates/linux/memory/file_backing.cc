#include "strates/linux/memory/file_backing.h"

#include <algorithm>

#include "abi/system_calls.h"
#include "strates/linux/core/make.h"
#include "strates/linux/core/task.h"
#include "strates/linux/vfs/context.h"
#include "strates/linux/vfs/tree.h"

namespace astrata::linux_abi {

std::uint64_t FileBacking::device() const {
    return file_->inode() != nullptr ? file_->inode()->file_system().device() : 0;
}

std::uint64_t FileBacking::inode() const {
    return file_->inode() != nullptr ? file_->inode()->number() : 0;
}

std::size_t FileBacking::describe(std::span<char> into) const {
    if (file_->path() == nullptr)
        return file_->describe(into).size();
    auto const* task = current_task_or_null();
    auto context = task != nullptr ? task->share_fs() : nullptr;
    if (!context)
        return 0;
    auto text = tree().format(*file_->path(), context->root(), into);
    if (!text.has_value())
        return 0;
    // It was written to the buffer's end.
    std::ranges::copy(*text, into.begin());
    return text->size();
}

LinuxResult<MapSource> map_source_of(File& file, MapRequest const& request) {
    auto mapping = LTRY(file.map(request));
    MapSource source{.object = mapping.object, .offset = mapping.offset, .backing_offset = request.offset};
    if (mapping.object == 0)
        return source;
    auto information = LTRY(sys::memory_object_info(mapping.object));
    auto backing = LTRY(make_ref<FileBacking>(Ref<File>::share(file), information.id));
    source.backing = Ref<RegionBacking>(std::move(backing));
    if (request.is_shared && !file.can_write())
        source.access_limit = protection::read | protection::execute;
    return source;
}

}  // namespace astrata::linux_abi
