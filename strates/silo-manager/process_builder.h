// Makes a process of a program in the archive: image, stack, handles, start block.
#pragma once

#include <string_view>

#include "abi/system_calls.h"
#include "lib/start/start_block.h"
#include "sdk/handle.h"
#include "strates/silo-manager/catalogue.h"

namespace astrata::silo_manager {

/// Every right there is; what a derived handle gets is its parent's rights under a mask.
inline constexpr abi::Rights all_rights = ~abi::Rights::none;

class ProcessBuilder {
public:
    /// An empty process in `silo`, behind the given wall.
    /// errors    no_memory, no_resources, bad_state, access_denied (hosted in the kernel, outside the root silo)
    [[nodiscard]] static Result<ProcessBuilder> create(abi::Handle silo, std::string_view name, abi::IsolationMode isolation);

    /// Puts the handle into the process's table; returns its value there.
    [[nodiscard]] Result<abi::Handle> give(sdk::UniqueHandle handle);
    /// The same with a copy of less rights.
    [[nodiscard]] Result<abi::Handle> give_copy(abi::Handle handle, abi::Rights rights, std::uint64_t badge = 0);

    /// Maps the program. Code and constants come straight from the archive's pages; the rest is the process's own
    /// memory.
    /// errors    bad_executable, no_memory
    [[nodiscard]] Result<> load(Program const& program, abi::Handle archive);
    /// Where the image begins.
    [[nodiscard]] std::uint64_t image_base() const { return image_base_; }
    /// Maps stack and start block, with the handles that every process has, and lets the first thread go.
    /// returns   the process
    [[nodiscard]] Result<sdk::UniqueHandle> start(start::StartBlockWriter& block);
    /// Gives the process its own handles; before the block is written.
    [[nodiscard]] Result<start::OwnHandles> give_own(abi::Handle silo, abi::Handle log);

private:
    [[nodiscard]] Result<> map_fresh(std::uint64_t address, std::uint64_t length);

    sdk::UniqueHandle process_;
    sdk::UniqueHandle home_;
    sdk::UniqueHandle thread_;
    std::uint64_t home_base_ = 0;
    std::uint64_t image_base_ = 0;   // these two by chance
    std::uint64_t stack_area_ = 0;
    std::uint64_t vdso_ = 0;
    std::uint64_t entry_ = 0;
};

}  // namespace astrata::silo_manager
