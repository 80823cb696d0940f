// What a system call of a thread brings along, as far as messages go; host tests enter nothing.
#pragma once

#include <array>
#include <cstdint>

namespace astrata::kernel::arch {

struct TrapFrame {
    std::array<std::uint64_t, 8> words{};

    [[nodiscard]] std::uint64_t& number() { return number_; }
    [[nodiscard]] std::uint64_t& status() { return number_; }
    [[nodiscard]] std::uint64_t& handle() { return handle_; }
    [[nodiscard]] std::uint64_t& info() { return info_; }
    [[nodiscard]] std::uint64_t& deadline() { return deadline_; }
    [[nodiscard]] std::uint64_t& badge() { return deadline_; }
    [[nodiscard]] std::uint64_t& source() { return source_; }
    [[nodiscard]] std::uint64_t& key() { return source_; }

private:
    std::uint64_t number_ = 0;
    std::uint64_t handle_ = 0;
    std::uint64_t info_ = 0;
    std::uint64_t deadline_ = 0;
    std::uint64_t source_ = 0;
};

}  // namespace astrata::kernel::arch
