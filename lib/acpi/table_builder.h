// For tests: tables made byte by byte, with a right length and checksum at the end.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "lib/acpi/tables.h"

namespace astrata::acpi {

class TableBuilder {
public:
    explicit TableBuilder(std::string_view name) : bytes_(header_bytes) { put_text(0, name); }

    template <typename T>
    TableBuilder& add(T value) {
        auto const view = std::as_bytes(std::span(&value, 1));
        bytes_.insert(bytes_.end(), view.begin(), view.end());
        return *this;
    }
    TableBuilder& pad_to(std::size_t size) {
        bytes_.resize(size);
        return *this;
    }
    template <typename T>
    TableBuilder& put(std::size_t offset, T value) {
        EXPECT_TRUE(store(bytes_, offset, value));
        return *this;
    }
    std::vector<std::byte> finish() {
        put<std::uint32_t>(4, static_cast<std::uint32_t>(bytes_.size()));
        put<std::uint8_t>(9, 0);
        unsigned sum = 0;
        for (auto const byte : bytes_)
            sum += std::to_integer<unsigned>(byte);
        put<std::uint8_t>(9, static_cast<std::uint8_t>(0 - sum));
        return bytes_;
    }

private:
    void put_text(std::size_t offset, std::string_view text) {
        std::ranges::copy(as_bytes(text), bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
    }
    std::vector<std::byte> bytes_;
};

}  // namespace astrata::acpi
