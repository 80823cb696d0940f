// Collects what a command prints and writes it to a channel in large pieces.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>

#include "apps/chevron/io/channel.h"
#include "lib/containers/text_builder.h"

namespace astrata::chevron {

class Printer {
public:
    /// The channel is borrowed and outlives the printer.
    explicit Printer(Channel& channel) : channel_(channel) {}
    Printer(Printer const&) = delete;
    Printer& operator=(Printer const&) = delete;
    ~Printer() { flush(); }

    /// Texts, characters and integers, one after another.
    template <typename... Parts>
    Printer& print(Parts const&... parts) {
        (print_one(parts), ...);
        return *this;
    }
    /// Padded with blanks at its end, or in front, to `width`.
    Printer& left(std::string_view text, std::size_t width);
    Printer& right(std::string_view text, std::size_t width);
    template <std::integral Number>
    Printer& right(Number number, std::size_t width) {
        TextBuffer<24> digits;
        digits.decimal(number);
        return right(digits.view(), width);
    }

    Printer& flush();
    /// The first error of the channel; after it nothing is written any more.
    [[nodiscard]] Result<> status() const { return status_; }
    [[nodiscard]] bool has_failed() const { return !status_.has_value(); }

private:
    void print_one(std::string_view text);
    void print_one(char character) { print_one(std::string_view(&character, 1)); }
    void print_one(char const* text) { print_one(std::string_view(text)); }
    template <std::integral Number>
        requires(!std::same_as<Number, char>)
    void print_one(Number number) {
        TextBuffer<24> digits;
        digits.decimal(number);
        print_one(digits.view());
    }

    Channel& channel_;
    Result<> status_;
    std::array<char, 2048> pending_;
    std::size_t used_ = 0;
};

}  // namespace astrata::chevron
