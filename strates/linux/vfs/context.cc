#include "strates/linux/vfs/context.h"

#include <new>

namespace astrata::linux_abi {

LinuxResult<Ref<FileSystemContext>> FileSystemContext::create(Path const& root, Path const& working_directory,
                                                              std::uint32_t umask) {
    auto* context = new (std::nothrow) FileSystemContext(root, working_directory, umask);
    if (context == nullptr)
        return fail(Errno::enomem);
    return Ref<FileSystemContext>::adopt(*context);
}

LinuxResult<Ref<FileSystemContext>> FileSystemContext::clone() const {
    return create(root(), working_directory(), umask());
}

Path FileSystemContext::root() const {
    Lock lock(tree().mutex());
    return root_;
}

Path FileSystemContext::working_directory() const {
    Lock lock(tree().mutex());
    return working_directory_;
}

// The former path is released after the mutex: it may be the last reference to an inode.
void FileSystemContext::set_root(Path path) {
    Lock lock(tree().mutex());
    std::swap(root_, path);
    lock.unlock();
}

void FileSystemContext::set_working_directory(Path path) {
    Lock lock(tree().mutex());
    std::swap(working_directory_, path);
    lock.unlock();
}

}  // namespace astrata::linux_abi
