// Interrupt objects: device interrupts delivered as signals. A level-triggered line is masked when it fires, until its
// driver acknowledges. Edges need no acknowledgement, and several before the driver looks count once.
#pragma once

#include <cstdint>

#include "kernel/ipc/waitable.h"
#include "kernel/object/object.h"

namespace astrata::kernel {

class Interrupt final : public KernelObject {
public:
    static constexpr std::uint32_t no_line = ~std::uint32_t{0};

    /// errors    already_exists (line claimed), no_resources (vectors), no_memory, not_supported (no controller has the line)
    static Result<Ref<Interrupt>> create_line(Account& account, std::uint32_t line, abi::InterruptTrigger trigger);
    /// errors    no_resources, no_memory
    static Result<Ref<Interrupt>> create_message(Account& account);
    explicit Interrupt(Ref<Account> account, std::uint32_t line)
        : KernelObject(abi::ObjectKind::interrupt, std::move(account)), line_(line) {}
    ~Interrupt() override;
    void handles_gone() override { disconnect(); }

    void acknowledge();
    [[nodiscard]] std::uint64_t message_address() const;
    [[nodiscard]] std::uint64_t message_data() const;

    /// A device vector came in on this CPU. Whoever calls this ends the interrupt at its controller.
    static void arrived(std::uint8_t vector);
    /// The same, but the thread that waited for it is the caller's to make ready; null: nobody did.
    [[nodiscard]] static Thread* take_arrival(std::uint8_t vector);

    Waitable arrivals;  // bit 0

private:
    void disconnect();
    void forget_vector();

    std::uint32_t const line_;
    bool is_level_ = false;  // set before it is connected
    std::uint8_t vector_ = 0;
    std::atomic<bool> is_connected_ = false;
};

}  // namespace astrata::kernel
