#include "apps/chevron/io/printer.h"

#include <algorithm>
#include <span>

namespace astrata::chevron {

void Printer::print_one(std::string_view text) {
    while (!text.empty()) {
        if (used_ == pending_.size())
            flush();
        auto const count = std::min(text.size(), pending_.size() - used_);
        std::ranges::copy(text.substr(0, count), std::span(pending_).subspan(used_).begin());
        used_ += count;
        text.remove_prefix(count);
    }
}

Printer& Printer::left(std::string_view text, std::size_t width) {
    print_one(text);
    for (auto used = text.size(); used < width; ++used)
        print_one(' ');
    return *this;
}

Printer& Printer::right(std::string_view text, std::size_t width) {
    for (auto used = text.size(); used < width; ++used)
        print_one(' ');
    print_one(text);
    return *this;
}

Printer& Printer::flush() {
    auto const count = std::exchange(used_, 0);
    if (count != 0 && status_)
        status_ = channel_.write(as_bytes(std::string_view(pending_.data(), count)));
    return *this;
}

}  // namespace astrata::chevron
