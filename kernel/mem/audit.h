// The rules that every page table keeps, checked against the tables as processors see them (docs/security.md). What an audit finds is a
// mistake of Bedrock: nothing that a program does may lead to it.
#pragma once

#include "abi/types.h"
#include "kernel/mem/image_sections.h"
#include "kernel/mem/layout.h"
#include "lib/paging/format.h"

namespace astrata::kernel::mem {

class Auditor {
public:
    /// Whose tables are walked.
    enum class View { kernel, native, foreign };

    explicit Auditor(ImageSections const& image) : image_(image) {}

    /// Everything below root entries [first, last). The caller sees to it that no table is freed meanwhile.
    void walk(PhysAddr root, unsigned first, unsigned last, View view);
    /// A root other than the kernel's: its kernel half must be the same.
    void compare_kernel_half(PhysAddr root, PhysAddr kernel_root);
    /// The user view of a root: its kernel half must be that of `views`, and the rest the same.
    void compare_user_view(PhysAddr view, PhysAddr root, PhysAddr views);
    void count_space() { ++found_.spaces; }

    [[nodiscard]] abi::MemoryAudit const& found() const { return found_; }
    [[nodiscard]] std::uint64_t violations() const {
        return found_.write_and_execute + found_.user_in_kernel_half + found_.exposed_tables + found_.executable_memory + found_.writable_code;
    }

private:
    struct Leaf {
        VirtAddr address;
        PhysAddr page;
        std::uint64_t length;
        paging::Attributes attributes;
    };
    void judge(Leaf const& leaf, View view);
    void judge_kernel(Leaf const& leaf);
    [[nodiscard]] bool is_constant_image(PhysAddr page, std::uint64_t length) const;

    ImageSections image_;
    abi::MemoryAudit found_{};
};

/// The kernel half and every address space there is.
/// context   thread; holds the lock of each space while it is walked
[[nodiscard]] Auditor audit_all_memory();

}  // namespace astrata::kernel::mem
