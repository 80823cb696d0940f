#include "kernel/ipc/interrupt.h"

#include <array>

#include "arch/interrupt_routing.h"
#include "kernel/object/make_object.h"
#include "kernel/sched/scheduler.h"

namespace astrata::kernel {

namespace {

// Who gets which vector. Guarded so that an interrupt object cannot go away while its handler runs.
struct Vectors {
    SpinLock<LockRank::interrupt_table, IrqsOff> lock;
    std::array<Interrupt*, 256> owners GUARDED_BY(lock){};
};
constinit Vectors vectors;

// A free vector for `interrupt`, which is entered; 0 if all are taken.
std::uint8_t claim_vector(Interrupt& interrupt) {
    LockGuard guard(vectors.lock);
    for (std::size_t vector = arch::first_device_vector; vector <= arch::last_device_vector; ++vector) {
        if (vectors.owners[vector] == nullptr) {
            vectors.owners[vector] = &interrupt;
            return static_cast<std::uint8_t>(vector);
        }
    }
    return 0;
}

}  // namespace

Result<Ref<Interrupt>> Interrupt::create_line(Account& account, std::uint32_t line, abi::InterruptTrigger trigger) {
    auto interrupt = TRY(make_object<Interrupt>(account, line));
    interrupt->is_level_ = trigger == abi::InterruptTrigger::level_low || trigger == abi::InterruptTrigger::level_high;
    interrupt->vector_ = claim_vector(*interrupt);
    if (interrupt->vector_ == 0)
        return fail(Error::no_resources);
    interrupt->is_connected_ = true;
    if (auto routed = arch::route_line(line, interrupt->vector_, trigger); !routed) {
        interrupt->forget_vector();
        return fail(routed.error());
    }
    return interrupt;
}

Result<Ref<Interrupt>> Interrupt::create_message(Account& account) {
    auto interrupt = TRY(make_object<Interrupt>(account, no_line));
    interrupt->vector_ = claim_vector(*interrupt);
    if (interrupt->vector_ == 0)
        return fail(Error::no_resources);
    interrupt->is_connected_ = true;
    if (auto opened = arch::open_message(interrupt->vector_); !opened) {
        interrupt->forget_vector();
        return fail(opened.error());
    }
    return interrupt;
}

Interrupt::~Interrupt() {
    disconnect();
}

void Interrupt::forget_vector() {
    LockGuard guard(vectors.lock);
    is_connected_ = false;
    vectors.owners[vector_] = nullptr;
}

void Interrupt::disconnect() {
    LockGuard guard(vectors.lock);
    if (!is_connected_)
        return;
    is_connected_ = false;
    if (line_ != no_line)
        arch::release_line(line_);
    else
        arch::close_message(vector_);
    vectors.owners[vector_] = nullptr;
}

// Under the lock: a line that is released meanwhile may be another object's at once, which has masked it.
void Interrupt::acknowledge() {
    LockGuard guard(vectors.lock);
    if (is_level_ && is_connected_)
        arch::unmask_line(line_);
}

std::uint64_t Interrupt::message_data() const {
    return arch::message_data(vector_);
}

std::uint64_t Interrupt::message_address() const {
    return arch::message_address(vector_);
}

Thread* Interrupt::take_arrival(std::uint8_t vector) {
    LockGuard guard(vectors.lock);
    auto* const interrupt = vectors.owners[vector];
    if (interrupt == nullptr)
        return nullptr;
    // An edge has passed: there is nothing to hold back, and some controllers forget edges that come while they mask.
    if (interrupt->is_level_)
        arch::mask_line(interrupt->line_);
    return interrupt->arrivals.add(1);
}

void Interrupt::arrived(std::uint8_t vector) {
    if (auto* const woken = take_arrival(vector); woken != nullptr)
        sched::make_ready(*woken);
}

}  // namespace astrata::kernel
