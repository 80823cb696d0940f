#include "strates/linux/core/credentials.h"

#include <algorithm>
#include <new>

#include "strates/linux/core/make.h"

namespace astrata::linux_abi {

LinuxResult<Ref<Credentials>> Credentials::create_root() {
    return make_ref<Credentials>();
}

LinuxResult<Ref<Credentials>> Credentials::copy() const {
    auto copy = LTRY(make_ref<Credentials>());
    copy->uid = uid;
    copy->effective_uid = effective_uid;
    copy->saved_uid = saved_uid;
    copy->file_uid = file_uid;
    copy->gid = gid;
    copy->effective_gid = effective_gid;
    copy->saved_gid = saved_gid;
    copy->file_gid = file_gid;
    copy->permitted = permitted;
    copy->effective = effective;
    copy->inheritable = inheritable;
    copy->ambient = ambient;
    copy->bounding = bounding;
    copy->secure_bits = secure_bits;
    LTRY(copy->set_groups(groups()));
    return copy;
}

bool Credentials::is_in_group(GroupId group) const {
    return group == file_gid || std::ranges::find(groups(), group) != groups().end();
}

std::span<GroupId const> Credentials::groups() const {
#pragma clang unsafe_buffer_usage begin  // the array and its length live side by side in this class
    return {groups_.get(), group_count_};
#pragma clang unsafe_buffer_usage end
}

LinuxResult<std::span<GroupId>> Credentials::resize_groups(std::size_t count) {
    if (count > group_limit)
        return fail(Errno::einval);
    groups_.reset();
    group_count_ = 0;
    if (count == 0)
        return std::span<GroupId>();
    groups_.reset(new (std::nothrow) GroupId[count]);
    if (groups_ == nullptr)
        return fail(Errno::enomem);
    group_count_ = count;
#pragma clang unsafe_buffer_usage begin  // as above
    return std::span<GroupId>(groups_.get(), group_count_);
#pragma clang unsafe_buffer_usage end
}

LinuxResult<> Credentials::set_groups(std::span<GroupId const> groups) {
    auto room = LTRY(resize_groups(groups.size()));
    std::ranges::copy(groups, room.begin());
    return {};
}

}  // namespace astrata::linux_abi
