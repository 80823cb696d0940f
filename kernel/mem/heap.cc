// A slab (Bonwick, 1994) is one page cut into equal pieces. Its state lies in the page's Frame: `word` links it into
// the list of its class's slabs with free pieces, `extra` holds the first free piece and their number, `account` the
// class. Free pieces hold the offset of the next one.
#include "kernel/mem/heap.h"

#include <algorithm>
#include <array>
#include <bit>

#include "arch/cpu.h"
#include "arch/memory_check.h"
#include "kernel/mem/frames.h"
#include "kernel/mem/tlb.h"
#include "kernel/sync/spin_lock.h"

namespace astrata::kernel::mem {

namespace {

// Sizes that divide a page well; all multiples of 16. 288 and 576 fit page-tree nodes.
constexpr std::array<std::uint16_t, 17> class_sizes{32,  48,  64,  96,  128, 160,  192,  240, 288,
                                                    336, 400, 512, 576, 672, 1024, 1360, 2048};
constexpr std::size_t largest_piece = 2048;

// The class for each size, in steps of 16 bytes.
constexpr auto class_of_step = [] {
    std::array<std::uint8_t, largest_piece / 16 + 1> table{};
    std::size_t index = 0;
    for (std::size_t step = 0; step < table.size(); ++step) {
        while (class_sizes[index] < step * 16)
            ++index;
        table[step] = static_cast<std::uint8_t>(index);
    }
    return table;
}();

constexpr std::size_t class_index(std::size_t size) {
    return class_of_step[(size + 15) / 16];
}

constexpr std::uint16_t no_piece = 0xffff;
constexpr std::uint32_t no_slab = 0;

struct SlabState {
    std::uint16_t first_free;  // offset in the page
    std::uint16_t free_count;
};
struct SlabLinks {
    std::uint32_t previous;  // page numbers
    std::uint32_t next;
};
static_assert(sizeof(SlabState) == 4 && sizeof(SlabLinks) == 8);

SlabState state_of(Frame const& frame) {
    return std::bit_cast<SlabState>(frame.extra);
}
void set_state(Frame& frame, SlabState state) {
    frame.extra = std::bit_cast<std::uint32_t>(state);
}
SlabLinks links_of(Frame const& frame) {
    return std::bit_cast<SlabLinks>(frame.word.load(std::memory_order_relaxed));
}
void set_links(Frame& frame, SlabLinks links) {
    frame.word.store(std::bit_cast<std::uint64_t>(links), std::memory_order_relaxed);
}
Frame& slab_at(std::uint32_t number) {
    return frame_of({std::uint64_t{number} * page_size});
}
std::uint32_t number_of(Frame const& slab) {
    return static_cast<std::uint32_t>(address_of(slab).page());
}

// The link inside a free piece.
std::uint16_t& link_in(Frame const& slab, std::uint16_t offset) {
    return *reinterpret_cast<std::uint16_t*>(&page_bytes(address_of(slab))[offset]);
}

class SizeClass {
public:
    void* allocate(std::size_t index) {
        LockGuard guard(lock_);
        if (first_ == no_slab && !add_slab(index))
            return nullptr;
        auto& slab = slab_at(first_);
        auto state = state_of(slab);
        auto const offset = state.first_free;
        auto* const piece = page_bytes(address_of(slab)).subspan(offset, class_sizes[index]).data();
        arch::note_memory_used(piece, class_sizes[index]);
        state.first_free = link_in(slab, offset);
        if (--state.free_count == 0)
            unlink(slab);
        set_state(slab, state);
        return piece;
    }

    void free(void* memory, std::size_t index) {
        auto const address = arch::virt_to_phys(memory);
        auto& slab = frame_of(address);
        auto const offset = static_cast<std::uint16_t>(address.page_offset());
        bool is_empty = false;
        {
            LockGuard guard(lock_);
            auto state = state_of(slab);
            link_in(slab, offset) = state.first_free;
            arch::note_memory_free(memory, class_sizes[index]);
            state.first_free = offset;
            if (state.free_count++ == 0)
                link(slab);
            set_state(slab, state);
            // One empty slab stays, so that a class at the edge does not take and return a page each time.
            is_empty = state.free_count == page_size / class_sizes[index] &&
                       (first_ != number_of(slab) || links_of(slab).next != no_slab);
            if (is_empty)
                unlink(slab);
        }
        if (is_empty) {
            arch::note_memory_used(page_bytes(address_of(slab)).data(), page_size);
            free_frame(address_of(slab));
        }
    }

    void reset() {
        LockGuard guard(lock_);
        first_ = no_slab;
    }

private:
    bool add_slab(std::size_t index) REQUIRES(lock_) {
        auto const page = allocate_frame(FrameKind::slab, Zero::no);
        if (!page)
            return false;
        auto& slab = frame_of(*page);
        slab.account = static_cast<std::uint16_t>(index);
        auto const size = class_sizes[index];
        auto const count = static_cast<std::uint16_t>(page_size / size);
        // Front to back, so that a fresh slab is used in order of addresses.
        for (std::uint16_t piece = 0; piece < count; ++piece) {
            auto const offset = static_cast<std::uint16_t>(piece * size);
            link_in(slab, offset) = piece + 1 < count ? static_cast<std::uint16_t>(offset + size) : no_piece;
        }
        arch::note_memory_free(page_bytes(*page).data(), page_size);
        set_state(slab, {.first_free = 0, .free_count = count});
        link(slab);
        return true;
    }
    void link(Frame& slab) REQUIRES(lock_) {
        set_links(slab, {.previous = no_slab, .next = first_});
        if (first_ != no_slab)
            set_links(slab_at(first_), {.previous = number_of(slab), .next = links_of(slab_at(first_)).next});
        first_ = number_of(slab);
    }
    void unlink(Frame& slab) REQUIRES(lock_) {
        auto const links = links_of(slab);
        if (links.previous != no_slab)
            set_links(slab_at(links.previous),
                      {.previous = links_of(slab_at(links.previous)).previous, .next = links.next});
        else
            first_ = links.next;
        if (links.next != no_slab)
            set_links(slab_at(links.next), {.previous = links.previous, .next = links_of(slab_at(links.next)).next});
    }

    SpinLock<LockRank::slab, PreemptionOff> lock_;
    std::uint32_t first_ GUARDED_BY(lock_) = no_slab;  // slabs with free pieces
};

std::array<SizeClass, class_sizes.size()> classes;

// A few free pieces of each class for one CPU, used with preemption off and nowhere else. To their slabs they are in use. Each
// holds the address of the next one.
struct CpuPieces {
    struct Stack {
        std::byte* first = nullptr;
        std::size_t count = 0;
    };
    std::array<Stack, class_sizes.size()> stacks{};
};
std::array<CpuPieces, cpu_limit> cpu_pieces;

constexpr std::size_t cached_limit(std::size_t index) {
    return std::clamp<std::size_t>(page_size / class_sizes[index], 2, 8);
}

std::byte*& next_of(std::byte* piece) {
    return *reinterpret_cast<std::byte**>(piece);
}

void* pop(CpuPieces::Stack& stack, std::size_t index) {
    auto* const piece = stack.first;
    arch::note_memory_used(piece, class_sizes[index]);
    stack.first = next_of(piece);
    --stack.count;
    return piece;
}

}  // namespace

// Budget: 30 instructions each for a piece that passes through this CPU's cache (fork_exit_wait).
void* heap_allocate(std::size_t size) {
    if (size == 0)
        return nullptr;
    if (size <= largest_piece) {
        auto const index = class_index(size);
        {
            PreemptionGuard guard;
            auto& stack = cpu_pieces[arch::cpu_index()].stacks[index];
            if (stack.count > 0) [[likely]]
                return pop(stack, index);
        }
        return classes[index].allocate(index);
    }
    auto const pages = allocate_contiguous(pages_for(size), FrameKind::kernel, Zero::no);
    return pages ? arch::phys_to_virt(*pages) : nullptr;
}

void heap_free(void* memory, std::size_t size) {
    if (memory == nullptr)
        return;
    if (size <= largest_piece) {
        auto const index = class_index(size);
        {
            PreemptionGuard guard;
            auto& stack = cpu_pieces[arch::cpu_index()].stacks[index];
            if (stack.count < cached_limit(index)) [[likely]] {
                auto* const piece = static_cast<std::byte*>(memory);
                next_of(piece) = stack.first;
                arch::note_memory_free(piece, class_sizes[index]);
                stack.first = piece;
                ++stack.count;
                return;
            }
        }
        classes[index].free(memory, index);
    } else {
        free_contiguous(arch::virt_to_phys(memory), pages_for(size));
    }
}

std::size_t heap_charge(std::size_t size) {
    return size <= largest_piece ? class_sizes[class_index(size)] : align_up(size, page_size);
}

void drain_heap_cache() {
    PreemptionGuard guard;
    for (std::size_t index = 0; index < class_sizes.size(); ++index) {
        auto& stack = cpu_pieces[arch::cpu_index()].stacks[index];
        while (stack.count > 0)
            classes[index].free(pop(stack, index), index);
    }
}

void reset_heap() {
    cpu_pieces = {};
    for (auto& size_class : classes)
        size_class.reset();
}

}  // namespace astrata::kernel::mem
