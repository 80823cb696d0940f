// Typed registers in device memory.
//
//     struct UsbCommand : mmio::Register<0x00, std::uint32_t> {   // USBCMD
//         using Run = Field<0>;                                   // R/S
//         using InterruptThreshold = Field<16, 8>;                // ITC: 8 bits from bit 16
//     };
//     auto command = operational.read<UsbCommand>();
//     operational.write<UsbCommand>(command | UsbCommand::Run::of(1));
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "lib/base/bytes.h"
#include "lib/base/result.h"

namespace astrata::mmio {

template <typename T>
concept RegisterWord = std::same_as<T, std::uint8_t> || std::same_as<T, std::uint16_t> ||
                       std::same_as<T, std::uint32_t> || std::same_as<T, std::uint64_t>;

/// Base of register types: where it lies and how wide the access must be.
template <std::size_t offset_bytes, RegisterWord T>
struct Register {
    static constexpr std::size_t offset = offset_bytes;
    using Word = T;

    /// `width` bits from bit `first` on.
    template <unsigned first, unsigned width = 1>
        requires(width >= 1 && first + width <= 8 * sizeof(T))
    struct Field {
        static constexpr T value_mask = static_cast<T>(width == 8 * sizeof(T) ? ~T{0} : (T{1} << width) - 1);
        static constexpr T mask = static_cast<T>(value_mask << first);
        /// A register value with this field set; bits that do not fit are cut off.
        static constexpr T of(T value) { return static_cast<T>((value & value_mask) << first); }
        /// The field's value in a register value.
        static constexpr T in(T word) { return static_cast<T>((word >> first) & value_mask); }
        /// The register value with only this field changed.
        static constexpr T replaced(T word, T value) { return static_cast<T>((word & ~mask) | of(value)); }
    };
};

/// Device memory, borrowed: the mapping must outlive it. Access beyond the end reads as all ones and writes nothing, as
/// on a bus where no device answers: offsets may come from the device itself.
class Window {
public:
    Window() = default;
    /// memory    mapped uncached, aligned at least as its widest register
    explicit Window(MutableBytes memory) : memory_(memory) {}

    [[nodiscard]] std::size_t size() const { return memory_.size(); }

    /// A part of it.
    /// errors    out_of_range
    [[nodiscard]] Result<Window> part(std::size_t offset, std::size_t length) const {
        if (offset > memory_.size() || memory_.size() - offset < length)
            return fail(Error::out_of_range);
        return Window(memory_.subspan(offset, length));
    }

    template <typename R>
    [[nodiscard]] typename R::Word read() const {
        return read_at<typename R::Word>(R::offset);
    }
    template <typename R>
    void write(typename R::Word value) const {
        write_at<typename R::Word>(R::offset, value);
    }

    /// One access of exactly T's width at a computed place, for arrays of registers.
    template <RegisterWord T>
    [[nodiscard]] T read_at(std::size_t offset) const {
        if (!contains<T>(offset))
            return static_cast<T>(~T{0});
#pragma clang unsafe_buffer_usage begin  // a register; bounds and alignment were checked
        return *reinterpret_cast<T const volatile*>(memory_.subspan(offset).data());
#pragma clang unsafe_buffer_usage end
    }
    template <RegisterWord T>
    void write_at(std::size_t offset, T value) const {
        if (!contains<T>(offset))
            return;
#pragma clang unsafe_buffer_usage begin  // as above
        *reinterpret_cast<T volatile*>(memory_.subspan(offset).data()) = value;
#pragma clang unsafe_buffer_usage end
    }

private:
    template <typename T>
    [[nodiscard]] bool contains(std::size_t offset) const {
        return offset % sizeof(T) == 0 && offset <= memory_.size() && memory_.size() - offset >= sizeof(T);
    }

    MutableBytes memory_;
};

}  // namespace astrata::mmio
