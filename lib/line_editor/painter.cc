#include "lib/line_editor/painter.h"

#include <charconv>
#include <span>

#include "lib/line_editor/utf8.h"

namespace astrata::line_editor {

void Painter::begin(std::string_view prompt, unsigned columns) {
    cursor_ = {};
    set_columns(columns);
    prompt_size_ = std::min(prompt.size(), prompt_limit);
    std::copy_n(prompt.begin(), prompt_size_, prompt_storage_.begin());
    repaint({}, 0);
}

void Painter::replace_prompt(std::string_view prompt) {
    move_to({});
    prompt_size_ = std::min(prompt.size(), prompt_limit);
    std::copy_n(prompt.begin(), prompt_size_, prompt_storage_.begin());
}

void Painter::set_columns(unsigned columns) {
    // Unknown: the VT100's own width. Below four cells nothing sensible can be shown.
    columns_ = columns == 0 ? 80 : std::max(columns, 4U);
}

void Painter::text_changed(std::string_view text, std::size_t changed, std::size_t cursor) {
    auto const start = position_of(text, changed);
    move_to(start);
    auto const rest = text.substr(std::min(changed, text.size()));
    emit(rest);
    cursor_ = advance(start, rest);
    // A terminal that has filled its last column waits with the wrap until the next character comes: send one and take
    // it back, so that the cursor is where we think.
    if (cursor_.column == 0 && cursor_.row > 0)
        emit(" \r");
    emit("\x1b[J");
    cursor_moved(text, cursor);
}

void Painter::cursor_moved(std::string_view text, std::size_t cursor) {
    move_to(position_of(text, cursor));
}

void Painter::repaint(std::string_view text, std::size_t cursor) {
    move_to({});
    emit("\r");
    emit(prompt());
    cursor_ = advance({}, prompt());
    text_changed(text, 0, cursor);
}

void Painter::clear_screen(std::string_view text, std::size_t cursor) {
    emit("\x1b[H\x1b[2J");
    cursor_ = {};
    repaint(text, cursor);
}

void Painter::finish(std::string_view text) {
    move_to(position_of(text, text.size()));
    // After a full row the cursor already stands on the next one.
    if (cursor_.column != 0 || cursor_.row == 0)
        emit("\r\n");
    cursor_ = {};
}

Painter::Position Painter::advance(Position from, std::string_view text) const {
    for (std::size_t index = 0; index < text.size();) {
        auto const character = character_at(text, index);
        auto const width = width_of(character.code_point);
        // A wide character that does not fit in the row goes to the next as a whole.
        if (from.column + width > columns_)
            from = {.row = from.row + 1, .column = 0};
        from.column += width;
        if (from.column == columns_)
            from = {.row = from.row + 1, .column = 0};
        index += character.length;
    }
    return from;
}

Painter::Position Painter::position_of(std::string_view text, std::size_t index) const {
    return advance(advance({}, prompt()), text.substr(0, index));
}

void Painter::move_to(Position target) {
    if (target.row < cursor_.row)
        emit_control(cursor_.row - target.row, 'A');
    else if (target.row > cursor_.row)
        emit_control(target.row - cursor_.row, 'B');
    if (target.column == cursor_.column) {
    } else if (target.column == 0) {
        emit("\r");
    } else if (target.column < cursor_.column) {
        emit_control(cursor_.column - target.column, 'D');
    } else {
        emit_control(target.column - cursor_.column, 'C');
    }
    cursor_ = target;
}

void Painter::emit_control(unsigned count, char final) {
    std::array<char, 16> digits;
    auto const end = std::to_chars(digits.begin(), digits.end(), count).ptr;
    emit("\x1b[");
    emit({digits.data(), static_cast<std::size_t>(end - digits.data())});
    emit({&final, 1});
}

void Painter::emit(std::string_view bytes) {
    while (!bytes.empty()) {
        if (pending_size_ == pending_.size())
            flush();
        auto const now = std::min(bytes.size(), pending_.size() - pending_size_);
        std::ranges::copy(bytes.substr(0, now), std::span(pending_).subspan(pending_size_).begin());
        pending_size_ += now;
        bytes.remove_prefix(now);
    }
}

void Painter::flush() {
    if (pending_size_ != 0)
        output_.write({pending_.data(), pending_size_});
    pending_size_ = 0;
}

}  // namespace astrata::line_editor
