// From a handle to its object, type and rights checked in one step, and back to a new handle.
#pragma once

#include "abi/message.h"
#include "abi/types.h"
#include "kernel/object/object.h"
#include "lib/base/result.h"

namespace astrata::kernel {

class AddressSpace;
class DmaDomain;
class Endpoint;
class Interrupt;
class IoRegion;
class Log;
class MemoryObject;
class Notification;
class Process;
class Reply;
class Silo;
class Thread;
class Timer;
class WaitSet;

template <typename T>
inline constexpr abi::ObjectKind kind_of{};
template <> inline constexpr auto kind_of<Silo> = abi::ObjectKind::silo;
template <> inline constexpr auto kind_of<Process> = abi::ObjectKind::process;
template <> inline constexpr auto kind_of<AddressSpace> = abi::ObjectKind::address_space;
template <> inline constexpr auto kind_of<Thread> = abi::ObjectKind::thread;
template <> inline constexpr auto kind_of<MemoryObject> = abi::ObjectKind::memory_object;
template <> inline constexpr auto kind_of<Endpoint> = abi::ObjectKind::endpoint;
template <> inline constexpr auto kind_of<Notification> = abi::ObjectKind::notification;
template <> inline constexpr auto kind_of<WaitSet> = abi::ObjectKind::wait_set;
template <> inline constexpr auto kind_of<Timer> = abi::ObjectKind::timer;
template <> inline constexpr auto kind_of<Interrupt> = abi::ObjectKind::interrupt;
template <> inline constexpr auto kind_of<IoRegion> = abi::ObjectKind::io_region;
template <> inline constexpr auto kind_of<DmaDomain> = abi::ObjectKind::dma_domain;
template <> inline constexpr auto kind_of<Log> = abi::ObjectKind::log;
template <> inline constexpr auto kind_of<Reply> = abi::ObjectKind::reply;

/// The object, whatever its kind.
/// errors    bad_handle, access_denied
[[nodiscard]] Result<Ref<KernelObject>> lookup_any(Thread& caller, abi::Handle handle, abi::Rights rights);
/// errors    bad_handle, wrong_type, access_denied
[[nodiscard]] Result<Ref<KernelObject>> lookup_kind(Thread& caller, abi::Handle handle, abi::ObjectKind kind, abi::Rights rights);
[[nodiscard]] Result<Ref<KernelObject>> lookup_kind(Thread& caller, abi::Handle handle, abi::ObjectKind kind, abi::Rights rights,
                                                    abi::Rights& found);

template <typename T>
[[nodiscard]] Result<Ref<T>> lookup_handle(Thread& caller, abi::Handle handle, abi::Rights rights) {
    auto found = TRY(lookup_kind(caller, handle, kind_of<T>, rights));
    return Ref<T>::adopt(static_cast<T&>(*found.leak()));
}

/// The same, and all rights that the handle has.
template <typename T>
[[nodiscard]] Result<Ref<T>> lookup_handle(Thread& caller, abi::Handle handle, abi::Rights rights, abi::Rights& found_rights) {
    auto found = TRY(lookup_kind(caller, handle, kind_of<T>, rights, found_rights));
    return Ref<T>::adopt(static_cast<T&>(*found.leak()));
}

/// A new handle in the caller's table, derived from no other.
/// errors    no_memory, no_resources
[[nodiscard]] Result<abi::Handle> install_handle(Thread& caller, Ref<KernelObject> object, abi::Rights rights);

/// What the creator of an object may do with it.
inline constexpr auto all_rights = abi::Rights::read | abi::Rights::write | abi::Rights::execute | abi::Rights::map | abi::Rights::send |
                                   abi::Rights::receive | abi::Rights::duplicate | abi::Rights::transfer | abi::Rights::manage |
                                   abi::Rights::inspect;

}  // namespace astrata::kernel
