#include "lib/line_editor/line_editor.h"

#include "lib/line_editor/utf8.h"

namespace astrata::line_editor {
namespace {

bool is_word_byte(char byte) {
    auto const value = static_cast<unsigned char>(byte);
    return (value >= '0' && value <= '9') || (value >= 'A' && value <= 'Z') || (value >= 'a' && value <= 'z') ||
           value == '_' || value >= 0x80;
}

bool is_blank(char byte) {
    return byte == ' ' || byte == '\t';
}

}  // namespace

void LineEditor::begin(std::string_view prompt, unsigned columns) {
    prompt_size_ = std::min(prompt.size(), prompt_.size());
    std::copy_n(prompt.begin(), prompt_size_, prompt_.begin());
    columns_ = columns == 0 ? 80 : columns;
    line_.clear();
    unfinished_.clear();
    cursor_ = 0;
    browsing_ = history_.count();
    tab_before_ = false;
    is_searching_ = false;
    painter_.begin(prompt, columns);
    painter_.flush();
}

Progress LineEditor::feed(std::string_view bytes) {
    Progress progress;
    for (auto const byte : bytes) {
        ++progress.consumed;
        auto const key = decoder_.feed(byte);
        if (!key)
            continue;
        progress.outcome = handle(*key);
        if (progress.outcome != Outcome::editing)
            break;
    }
    painter_.flush();
    return progress;
}

bool LineEditor::finish_at_end_of_input() {
    if (is_searching_)
        end_search();
    painter_.finish(line_.view());
    painter_.flush();
    return !line_.is_empty();
}

Outcome LineEditor::handle(KeyPress const& key) {
    if (is_searching_) {
        Outcome outcome = Outcome::editing;
        if (handle_in_search(key, outcome))
            return outcome;
        end_search();  // any other key takes the found line over and then does its own work
    }
    bool const second_tab = tab_before_;
    tab_before_ = false;
    auto const text = line_.view();
    switch (key.key) {
    case Key::character: insert(key.view()); break;
    case Key::enter: return accept();
    case Key::tab: complete(second_tab); break;
    case Key::backspace: erase(previous_boundary(text, cursor_), cursor_); break;
    case Key::erase: erase(cursor_, next_boundary(text, cursor_)); break;
    case Key::left: move(previous_boundary(text, cursor_)); break;
    case Key::right: move(next_boundary(text, cursor_)); break;
    case Key::up:
        if (browsing_ > 0)
            show_history(browsing_ - 1);
        break;
    case Key::down:
        if (browsing_ < history_.count())
            show_history(browsing_ + 1);
        break;
    case Key::home: move(0); break;
    case Key::end: move(line_.size()); break;
    case Key::word_left: move(word_start()); break;
    case Key::word_right: move(word_end()); break;
    case Key::kill_word_left: kill(word_start(), cursor_); break;
    case Key::kill_word_right: kill(cursor_, word_end()); break;
    case Key::control: return handle_control(key.letter);
    }
    return Outcome::editing;
}

Outcome LineEditor::handle_control(char letter) {
    auto const text = line_.view();
    switch (letter) {
    case 'A': move(0); break;
    case 'B': move(previous_boundary(text, cursor_)); break;
    case 'C':
        painter_.cursor_moved(text, line_.size());
        painter_.emit("^C\r\n");
        line_.clear();
        return Outcome::interrupted;
    case 'D':
        if (line_.is_empty()) {
            painter_.finish(text);
            return Outcome::end_of_input;
        }
        erase(cursor_, next_boundary(text, cursor_));
        break;
    case 'E': move(line_.size()); break;
    case 'F': move(next_boundary(text, cursor_)); break;
    case 'K': kill(cursor_, line_.size()); break;
    case 'L': painter_.clear_screen(text, cursor_); break;
    case 'N':
        if (browsing_ < history_.count())
            show_history(browsing_ + 1);
        break;
    case 'P':
        if (browsing_ > 0)
            show_history(browsing_ - 1);
        break;
    case 'R': begin_search(); break;
    case 'T': transpose(); break;
    case 'U': kill(0, cursor_); break;
    case 'W': kill(blank_word_start(), cursor_); break;
    case 'Y': insert(killed_.view()); break;
    default: break;
    }
    return Outcome::editing;
}

Outcome LineEditor::accept() {
    painter_.finish(line_.view());
    return Outcome::line;
}

void LineEditor::insert(std::string_view text) {
    if (text.empty())
        return;
    if (!line_.insert(cursor_, text)) {
        painter_.emit("\a");
        return;
    }
    auto const changed = cursor_;
    cursor_ += text.size();
    painter_.text_changed(line_.view(), changed, cursor_);
}

void LineEditor::erase(std::size_t first, std::size_t last) {
    if (first >= last)
        return;
    line_.erase(first, last);
    cursor_ = first;
    painter_.text_changed(line_.view(), first, cursor_);
}

void LineEditor::kill(std::size_t first, std::size_t last) {
    if (first >= last)
        return;
    killed_.assign(line_.view().substr(first, last - first));
    erase(first, last);
}

void LineEditor::move(std::size_t position) {
    cursor_ = position;
    painter_.cursor_moved(line_.view(), cursor_);
}

void LineEditor::replace(std::string_view text) {
    line_.assign(text);
    cursor_ = line_.size();
    painter_.text_changed(line_.view(), 0, cursor_);
}

void LineEditor::transpose() {
    auto const text = line_.view();
    // At the end, the two characters before the cursor; else the one before and the one under it.
    auto const middle = cursor_ == text.size() ? previous_boundary(text, cursor_) : cursor_;
    auto const first = previous_boundary(text, middle);
    auto const last = next_boundary(text, middle);
    if (first == middle || middle == last)
        return;
    std::array<char, 8> swapped;
    auto const end = std::ranges::copy(text.substr(middle, last - middle), swapped.begin()).out;
    auto const all = std::ranges::copy(text.substr(first, middle - first), end).out;
    line_.erase(first, last);
    line_.insert(first, {swapped.begin(), all});
    cursor_ = last;
    painter_.text_changed(line_.view(), first, cursor_);
}

void LineEditor::show_history(std::size_t index) {
    if (browsing_ == history_.count())
        unfinished_ = line_;
    browsing_ = index;
    replace(index == history_.count() ? unfinished_.view() : history_.entry(index));
}

std::size_t LineEditor::word_start() const {
    auto const text = line_.view();
    auto position = cursor_;
    while (position > 0 && !is_word_byte(text[position - 1]))
        --position;
    while (position > 0 && is_word_byte(text[position - 1]))
        --position;
    return position;
}

std::size_t LineEditor::word_end() const {
    auto const text = line_.view();
    auto position = cursor_;
    while (position < text.size() && !is_word_byte(text[position]))
        ++position;
    while (position < text.size() && is_word_byte(text[position]))
        ++position;
    return position;
}

std::size_t LineEditor::blank_word_start() const {
    auto const text = line_.view();
    auto position = cursor_;
    while (position > 0 && is_blank(text[position - 1]))
        --position;
    while (position > 0 && !is_blank(text[position - 1]))
        --position;
    return position;
}

// ---- Completion ----

void LineEditor::complete(bool list) {
    if (completer_ == nullptr)
        return;
    completions_.reset(cursor_);
    completer_->complete(line_.view(), cursor_, completions_);
    if (completions_.count() == 0 || completions_.word_start() > cursor_) {
        painter_.emit("\a");
        return;
    }
    auto const start = completions_.word_start();
    auto const common = completions_.common_prefix();
    auto const typed = line_.view().substr(start, cursor_ - start);
    bool const is_only = completions_.count() == 1 && completions_.omitted() == 0;
    if (is_only || common.size() > typed.size()) {
        if (common.size() + 1 > line_limit - (line_.size() - typed.size())) {
            painter_.emit("\a");
            return;
        }
        line_.erase(start, cursor_);
        line_.insert(start, common);
        cursor_ = start + common.size();
        auto const suffix = is_only ? completions_.suffix(0) : '\0';
        if (suffix != '\0') {
            if (cursor_ >= line_.size() || line_.view()[cursor_] != suffix)
                line_.insert(cursor_, {&suffix, 1});
            ++cursor_;
        }
        painter_.text_changed(line_.view(), start, cursor_);
        return;
    }
    if (list)
        list_completions();
    else
        painter_.emit("\a");
    tab_before_ = true;
}

void LineEditor::list_completions() {
    completions_.sort();
    painter_.finish(line_.view());
    std::size_t widest = 0;
    for (std::size_t index = 0; index < completions_.count(); ++index)
        widest = std::max(widest, completions_.shown(index).size());
    auto const cell = widest + 2;
    auto const per_row = std::max<std::size_t>(1, columns_ / cell);
    auto const rows = (completions_.count() + per_row - 1) / per_row;
    for (std::size_t row = 0; row < rows; ++row) {
        // Down the columns, as people read lists.
        for (std::size_t index = row; index < completions_.count(); index += rows) {
            auto const shown = completions_.shown(index);
            painter_.emit(shown);
            if (index + rows < completions_.count()) {
                for (auto blanks = cell - shown.size(); blanks > 0; --blanks)
                    painter_.emit(" ");
            }
        }
        painter_.emit("\r\n");
    }
    if (completions_.omitted() != 0)
        painter_.emit("...\r\n");
    painter_.repaint(line_.view(), cursor_);
}

// ---- Incremental search ----

void LineEditor::begin_search() {
    is_searching_ = true;
    query_.clear();
    match_ = history_.count();
    unfinished_ = line_;
    show_search(true);
}

bool LineEditor::handle_in_search(KeyPress const& key, Outcome& outcome) {
    switch (key.key) {
    case Key::character:
        if (query_.size() < 128)
            query_.insert(query_.size(), key.view());
        search(match_ == history_.count() ? match_ : match_ + 1);
        return true;
    case Key::backspace:
        query_.erase(previous_boundary(query_.view(), query_.size()), query_.size());
        search(history_.count());
        return true;
    case Key::enter:
        end_search();
        outcome = accept();
        return true;
    case Key::control:
        if (key.letter == 'R') {
            search(match_);
            return true;
        }
        if (key.letter == 'G') {
            line_ = unfinished_;
            cursor_ = line_.size();
            match_ = history_.count();
            end_search();
            return true;
        }
        return false;
    default: return false;
    }
}

// The newest entry older than `newest` (exclusive) that contains the query.
void LineEditor::search(std::size_t newest) {
    for (auto index = newest; index > 0 && !query_.is_empty(); --index) {
        if (history_.entry(index - 1).contains(query_.view())) {
            match_ = index - 1;
            line_.assign(history_.entry(match_));
            show_search(true);
            return;
        }
    }
    show_search(query_.is_empty());
}

void LineEditor::show_search(bool found) {
    std::array<char, Painter::prompt_limit> prompt;
    auto end = prompt.begin();
    auto const append = [&](std::string_view part) { end = std::ranges::copy(part, end).out; };
    append(found ? "(search `" : "(no match for `");
    append(query_.view());
    append("'): ");
    painter_.replace_prompt({prompt.begin(), end});
    auto const place = query_.is_empty() ? std::string_view::npos : line_.view().find(query_.view());
    cursor_ = place == std::string_view::npos ? line_.size() : place;
    painter_.repaint(line_.view(), cursor_);
}

void LineEditor::end_search() {
    is_searching_ = false;
    browsing_ = match_;
    painter_.replace_prompt({prompt_.data(), prompt_size_});
    painter_.repaint(line_.view(), cursor_);
}

}  // namespace astrata::line_editor
