// Many CPUs at once: threads fault, fork, resize, clone and read the same spaces and objects. What is checked is that
// nothing is lost or freed early (free memory is poisoned) and that everything comes back; ThreadSanitizer finds what
// is not locked.
#include <array>
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "arch/cpu.h"
#include "kernel/mem/address_space.h"
#include "kernel/mem/fakes_test.h"
#include "kernel/mem/kernel_space.h"
#include "kernel/mem/test_machine.h"

namespace astrata::kernel {
namespace {

constexpr auto rw = abi::Access::read | abi::Access::write;
constexpr VirtAddr base{0x10'0000'0000};
constexpr std::uint64_t object_pages = 40;

class Crowd {
public:
    Crowd() : machine_(64U << 20) {
        EXPECT_TRUE(machine_.initialize());
        account_ = Account::create(nullptr, Account::unlimited).value();
        home_ = AddressSpace::create_home(*account_).value();
        before_ = mem::count_frames().free;
        used_before_ = account_->used();
        object_ = MemoryObject::create(*account_, object_pages * page_size).value();
        shadow_ = object_->clone(*account_, 4 * page_size, 20 * page_size, abi::CloneKind::shadow).value();
        space_ = AddressSpace::create_guest(*account_, Ref<AddressSpace>::share(*home_)).value();
        EXPECT_TRUE(space_->map(Ref<MemoryObject>::share(*object_), 0, base, object_pages * page_size, rw,
                                abi::MapFlags::fixed));
        EXPECT_TRUE(space_->map(Ref<MemoryObject>::share(*shadow_), 0, base + (1U << 20), 20 * page_size, rw,
                                abi::MapFlags::fixed));
        EXPECT_TRUE(space_->map(Ref<MemoryObject>::share(*object_), 0, base + (2U << 20), object_pages * page_size, rw,
                                abi::MapFlags::fixed | abi::MapFlags::private_));
        EXPECT_TRUE(space_->map_anonymous(base + (3U << 20), 100 * page_size, rw, abi::MapFlags::fixed));
        // So that flushes are asked for; the fake ignores them.
        fakes.used_spaces.insert(space_.get());
    }

    void run(unsigned cpu, int steps) {
        arch::host_cpu_index = cpu;
        std::mt19937_64 random(cpu + 100);
        for (int step = 0; step < steps; ++step)
            one_step(random);
        mem::drain_frame_cache();
    }

    void end() {
        space_ = nullptr;
        shadow_ = nullptr;
        object_ = nullptr;
        EXPECT_EQ(account_->used(), used_before_);
        EXPECT_LE(before_ - mem::count_frames().free, 40U);
    }

private:
    void one_step(std::mt19937_64& random) {
        VirtAddr const page = base + (random() % 4 << 20) + random() % 60 * page_size;
        switch (random() % 16) {
        case 0: (void)object_->set_size((random() % 10 + 30) * page_size - random() % 3 * 100); break;
        case 1: (void)object_->discard(random() % 30 * page_size, random() % 9 * page_size); break;
        case 2: {
            auto clone = object_->clone(*account_, 0, 20 * page_size, abi::CloneKind::snapshot);
            std::array<std::byte, 100> bytes{};
            if (clone)
                EXPECT_EQ((*clone)->write_bytes(random() % 19 * page_size, bytes).value(), bytes.size());
            break;
        }
        case 3: {
            auto child = space_->clone();
            if (child) {
                (void)(*child)->handle_fault(page, abi::Access::write);
                (void)(*child)->handle_fault(page + page_size, abi::Access::read);
            }
            break;
        }
        case 4: {
            auto pin = space_->pin(page);
            if (pin)
                pin->bytes()[random() % page_size] = std::byte{1};
            break;
        }
        case 5: (void)space_->discard(base + (3U << 20) + random() % 50 * page_size, 10 * page_size); break;
        case 6: {
            auto const at = space_->map_anonymous({}, (random() % 20 + 1) * page_size, rw, abi::MapFlags::populate);
            if (at)
                EXPECT_TRUE(space_->unmap(*at, page_size));
            break;
        }
        case 7: (void)space_->protect(page, page_size, random() % 2 == 0 ? rw : abi::Access::read); break;
        case 8: {
            std::array<std::byte, 9000> bytes{};
            (void)shadow_->read_bytes(random() % 10 * page_size, bytes);
            break;
        }
        case 9: {
            std::array<std::byte, 300> bytes{};
            (void)shadow_->write_bytes(random() % 19 * page_size + 4000, bytes);
            break;
        }
        case 10: {
            abi::AddressSpaceInfo info;
            space_->fill(info);
            break;
        }
        default: (void)space_->handle_fault(page, random() % 2 == 0 ? abi::Access::write : abi::Access::read);
        }
    }

    TestMachine machine_;
    RefOrNull<Account> account_;
    RefOrNull<AddressSpace> home_;
    std::uint64_t before_ = 0;
    std::uint64_t used_before_ = 0;
    RefOrNull<MemoryObject> object_;
    RefOrNull<MemoryObject> shadow_;
    RefOrNull<AddressSpace> space_;
};

TEST(MemoryConcurrency, survives_many_cpus_at_once) {
    Crowd crowd;
    std::vector<std::thread> cpus;
    for (unsigned cpu = 1; cpu <= 4; ++cpu)
        cpus.emplace_back([&crowd, cpu] { crowd.run(cpu, 3000); });
    for (auto& cpu : cpus)
        cpu.join();
    crowd.end();
}

}  // namespace
}  // namespace astrata::kernel
