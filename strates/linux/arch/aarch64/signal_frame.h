// What aarch64 Linux puts on a program's stack before a signal handler runs, and what rt_sigreturn takes back: struct
// rt_sigframe with its records (sigreturn(2), asm/sigcontext.h; the layout is part of the ABI). Behind it lies a frame
// record, so that unwinders without tables get past the handler.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/base/bytes.h"
#include "strates/linux/arch/aarch64/registers.h"
#include "strates/linux/arch/generic/user_context.h"
#include "strates/linux/core/errno.h"

namespace astrata::linux_abi::aarch64 {

/// struct _aarch64_ctx: what begins each record.
struct RecordHeader {
    std::uint32_t magic;
    std::uint32_t size;
};
inline constexpr std::uint32_t vector_magic = 0x46508001;    // FPSIMD_MAGIC
inline constexpr std::uint32_t syndrome_magic = 0x45535201;  // ESR_MAGIC

/// struct fpsimd_context.
struct VectorRecord {
    RecordHeader header;
    std::uint32_t status;   // FPSR
    std::uint32_t control;  // FPCR
    std::array<std::array<std::uint64_t, 2>, 32> registers;
};
static_assert(sizeof(VectorRecord) == 528);

/// struct esr_context.
struct SyndromeRecord {
    RecordHeader header;
    std::uint64_t syndrome;
};

/// struct sigcontext with the records that we write.
struct alignas(16) SignalContext {
    std::uint64_t fault_address;
    std::array<std::uint64_t, 31> x;
    std::uint64_t sp, pc, pstate;
    std::uint64_t padding;
    VectorRecord vector;
    SyndromeRecord syndrome;
    RecordHeader end;
};
inline constexpr std::size_t records_offset = 288;
inline constexpr std::size_t records_bytes = 4096;  // that programs may find records in
static_assert(offsetof(SignalContext, vector) == records_offset);

using UserContext = generic::UserContext<SignalContext>;
using SignalFrame = generic::SignalFrame<SignalContext>;
static_assert(offsetof(UserContext, registers) == 176 && offsetof(SignalFrame, context) == 128);

/// struct rt_sigframe, with all room for records.
inline constexpr std::uint64_t frame_bytes =
    offsetof(SignalFrame, context) + offsetof(UserContext, registers) + records_offset + records_bytes;
static_assert(frame_bytes == 4688 && sizeof(SignalFrame) <= frame_bytes);

/// What the frame pointer points at.
struct FrameRecord {
    std::uint64_t frame_pointer;
    std::uint64_t return_address;
};

[[nodiscard]] FramePlace place_frame(std::uint64_t sp, bool is_alternate, std::size_t vector_state_size);

/// Fills in all but the information, the alternate stack and the vector record's contents.
void fill_frame(SignalFrame& frame, RestrictedState const& state, FrameFacts const& facts);
/// What a handler begins with besides its arguments, its instruction and its stack, which is where the frame is.
void enter_handler(RestrictedState& state, FrameFacts const& facts);
/// Where the frame is that a handler returns with.
constexpr std::uint64_t frame_of_return(std::uint64_t sp) {
    return sp;
}
/// Takes registers over, with only those bits of PSTATE that a program may set for itself.
void from_context(SignalContext const& context, RestrictedState& state);

/// NZCV, TCO, DIT, SSBS, BTYPE.
inline constexpr std::uint64_t free_flags = 0xf000'0000 | 1 << 25 | 1 << 24 | 1 << 12 | 3 << 10;

/// The vector record of a context, wherever among its records it is.
/// read(offset, bytes)    copies what is there, `offset` bytes from where the records begin
/// errors                 einval (none, or a record that means nothing to us), those of `read`
template <typename Read>
LinuxResult<VectorRecord> find_vector_record(Read read) {
    for (std::size_t offset = 0; offset + sizeof(RecordHeader) <= records_bytes;) {
        RecordHeader header;
        LTRY(read(offset, std::as_writable_bytes(std::span(&header, 1))));
        if (header.magic == vector_magic && header.size == sizeof(VectorRecord) &&
            offset + sizeof(VectorRecord) <= records_bytes) {
            VectorRecord record;
            LTRY(read(offset, std::as_writable_bytes(std::span(&record, 1))));
            return record;
        }
        if (header.magic != syndrome_magic || header.size != sizeof(SyndromeRecord))
            break;
        offset += header.size;
    }
    return fail(Errno::einval);
}

/// What a frame takes of a stack, at most (AT_MINSIGSTKSZ).
constexpr std::uint64_t largest_frame(std::size_t) {
    constexpr std::uint64_t alignment = 16;
    return frame_bytes + sizeof(FrameRecord) + alignment;
}

}  // namespace astrata::linux_abi::aarch64
