// Sessions and process groups: what job control is made of (credentials(7), tty_ioctl(2)).
// All of it is guarded by ProcessTable::mutex.
#pragma once

#include <cstdint>

#include "lib/base/intrusive_list.h"
#include "lib/base/ref.h"
#include "strates/linux/core/task.h"

namespace astrata::linux_abi {

class Process;
class Session;

/// What a session needs of its terminal. The terminal layer implements it.
class ControllingTerminal : public RefCounted<ControllingTerminal> {
public:
    static void destroy(ControllingTerminal* terminal) { delete terminal; }
    virtual ~ControllingTerminal() = default;

    /// Linux device number, for /proc/PID/stat.
    [[nodiscard]] virtual std::uint32_t device_number() const = 0;
    /// The session's foreground process group; 0 when there is none.
    [[nodiscard]] virtual ProcessId foreground_group() const = 0;
    /// The session gave the terminal up (its leader ended, or TIOCNOTTY): forget session and foreground group.
    virtual void release_session() = 0;
};

class Session : public RefCounted<Session> {
public:
    static void destroy(Session* session) { delete session; }
    explicit Session(ProcessId id) : id(id) {}

    ProcessId const id;      ///< pid of the process that made it
    bool has_leader = true;  ///< false once that process has ended
    RefOrNull<ControllingTerminal> terminal;
};

class ProcessGroup : public RefCounted<ProcessGroup> {
public:
    static void destroy(ProcessGroup* group) { delete group; }
    ProcessGroup(ProcessId id, Ref<Session> session) : id(id), session(std::move(session)) {}

    ProcessId const id;
    Ref<Session> const session;
    ListLink<ProcessGroup> table_link;  ///< ProcessTable::groups, while it has members
};

}  // namespace astrata::linux_abi
