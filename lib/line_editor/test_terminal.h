// A small terminal for tests: deferred wrap, cursor movement, erasing, as an xterm does them.
#pragma once

#include <string>
#include <vector>

#include "lib/line_editor/painter.h"
#include "lib/line_editor/utf8.h"

namespace astrata::line_editor {

class TestTerminal : public TerminalOutput {
public:
    explicit TestTerminal(unsigned columns) : columns_(columns), rows_(1) {}

    void write(std::string_view received) override {
        unfinished_ += received;
        std::string const bytes = std::move(unfinished_);
        unfinished_.clear();
        for (std::size_t index = 0; index < bytes.size();) {
            char const byte = bytes[index];
            // Writes may split sequences and characters.
            auto const needed = byte == '\x1b' ? bytes.find_first_of("ABCDHJ\a", index)
                                               : index + sequence_length(static_cast<unsigned char>(byte)) - 1;
            if (needed >= bytes.size()) {
                unfinished_ = bytes.substr(index);
                return;
            }
            if (byte == '\x1b') {
                index = control(bytes, index + 2);
                continue;
            }
            auto const character = character_at(bytes, index);
            if (byte == '\r') {
                column_ = 0;
                is_wrapping_ = false;
            } else if (byte == '\n') {
                ++row_;
                is_wrapping_ = false;
            } else if (byte == '\a') {
                ++bells;
            } else {
                put(std::string_view(bytes).substr(index, character.length), width_of(character.code_point));
            }
            index += character.length;
            grow();
        }
    }

    /// The row's text without trailing blanks.
    std::string row(std::size_t index) const {
        if (index >= rows_.size())
            return {};
        std::string text;
        for (auto const& cell : rows_[index])
            text += cell;
        text.erase(text.find_last_not_of(' ') + 1);
        return text;
    }
    std::size_t cursor_row() const { return row_; }
    std::size_t cursor_column() const { return column_; }
    int bells = 0;

private:
    void grow() {
        while (rows_.size() <= row_)
            rows_.emplace_back();
    }
    void put(std::string_view text, unsigned width) {
        if (width == 0) {
            if (column_ > 0)
                rows_[row_][column_ - 1] += text;
            return;
        }
        if (is_wrapping_ || column_ + width > columns_) {
            column_ = 0;
            ++row_;
            is_wrapping_ = false;
            grow();
        }
        auto& row = rows_[row_];
        if (row.size() < column_ + width)
            row.resize(column_ + width, " ");
        row[column_] = text;
        if (width == 2)
            row[column_ + 1] = "";
        column_ += width;
        if (column_ == columns_) {
            column_ = columns_ - 1;
            is_wrapping_ = true;
        }
    }
    std::size_t control(std::string_view bytes, std::size_t index) {
        unsigned count = 0;
        while (bytes[index] >= '0' && bytes[index] <= '9') {
            count = count * 10 + static_cast<unsigned>(bytes[index] - '0');
            ++index;
        }
        auto const steps = count == 0 ? 1 : count;
        is_wrapping_ = false;
        switch (bytes[index]) {
        case 'A': row_ -= steps; break;
        case 'B': row_ += steps; break;
        case 'C': column_ += steps; break;
        case 'D': column_ -= steps; break;
        case 'H': row_ = column_ = 0; break;
        case 'J':
            if (count == 2) {
                rows_.assign(1, {});
            } else {
                rows_.resize(row_ + 1);
                if (rows_[row_].size() > column_)
                    rows_[row_].resize(column_);
            }
            break;
        default: break;
        }
        grow();
        return index + 1;
    }

    std::size_t columns_;
    std::vector<std::vector<std::string>> rows_;
    std::size_t row_ = 0;
    std::size_t column_ = 0;
    bool is_wrapping_ = false;
    std::string unfinished_;
};

}  // namespace astrata::line_editor
