// One ring between two real ends, either of which may turn hostile and write what it likes into the shared memory,
// against a model that says what each end must do with what it finds there.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "lib/ring/ring.h"
#include "lib/testing/choices.h"

namespace astrata::ring {

struct TestEntry {
    std::uint64_t value;
    std::uint64_t check;
    bool operator==(TestEntry const&) const = default;
};

class RingWorld {
public:
    // The vector ends where the ring ends, so that AddressSanitizer sees what goes beyond.
    explicit RingWorld(testing::Choices& choices)
        : choices_(choices), entries_(1U << choices.below(6)), words_(ring_bytes<TestEntry>(entries_) / 8),
          producer_(Producer<TestEntry>::create(memory(), entries_).value()),
          consumer_(Consumer<TestEntry>::create(memory(), entries_).value()) {}

    void run() {
        while (choices_.has_step()) {
            switch (choices_.below(8)) {
            case 0: disturb_index(); break;
            case 1: disturb_entry(); break;
            case 2: behave_again(); break;
            case 3:
            case 4: pop(); break;
            default: push();
            }
        }
        // Whatever has happened, two ends that behave carry on from where their own indices are.
        behave_again();
        for (int round = 0; round < 4; ++round) {
            push();
            pop();
        }
    }

private:
    MutableBytes memory() { return std::as_writable_bytes(std::span(words_)); }
    std::uint32_t index_at(std::size_t offset) { return load<std::uint32_t>(memory(), offset).value(); }
    void set_index(std::size_t offset, std::uint32_t value) {
        testing::require(store(memory(), offset, value).has_value());
    }
    TestEntry entry_at(std::uint32_t index) {
        return load<TestEntry>(memory(), entries_offset + (index & (entries_ - 1)) * sizeof(TestEntry)).value();
    }

    void disturb_index() {
        auto const offset = choices_.below(2) == 0 ? produced_offset : consumed_offset;
        auto const near = (choices_.below(2) == 0 ? produced_ : consumed_) +
                          static_cast<std::uint32_t>(choices_.below(2 * entries_ + 3)) - 1;
        set_index(offset,
                  choices_.one_in(3) ? static_cast<std::uint32_t>(choices_.below(std::uint64_t{1} << 32)) : near);
        is_disturbed_ = true;
    }
    void disturb_entry() {
        auto const word = entries_offset / 8 + choices_.below(words_.size() - entries_offset / 8);
        words_[word] = choices_.below(256);
        is_disturbed_ = true;
    }
    // Both ends write their true indices, and the ring is empty.
    void behave_again() {
        auto const waiting = produced_ - consumed_;
        set_index(consumed_offset, consumed_);
        set_index(produced_offset, produced_);
        if (!is_disturbed_)
            return;
        // Misled, the ends may have gone apart. Then there is no ring any more that both could agree on.
        if (waiting > entries_) {
            std::ranges::fill(words_, 0);
            producer_ = Producer<TestEntry>::create(memory(), entries_).value();
            consumer_ = Consumer<TestEntry>::create(memory(), entries_).value();
            produced_ = consumed_ = 0;
        }
        under_way_.clear();
        for (auto index = consumed_; index != produced_; ++index)
            under_way_.push_back(entry_at(index));
        is_disturbed_ = false;
    }

    void push() {
        std::array<TestEntry, 40> batch{};
        auto const wanted = std::span(batch).first(choices_.below(batch.size() + 1));
        for (auto& entry : wanted) {
            ++next_value_;
            entry = {next_value_, ~next_value_};
        }
        auto const used = produced_ - index_at(consumed_offset);
        auto const free = producer_.free_entries();
        auto const before = words_;
        auto const moved = producer_.push_batch(wanted);
        if (used > entries_) {
            testing::require(is_disturbed_ && !free && !moved && moved.error() == Error::corrupt && words_ == before);
            return;
        }
        auto const count = static_cast<std::uint32_t>(std::min<std::size_t>(entries_ - used, wanted.size()));
        testing::require(free == entries_ - used && moved && moved->count == count);
        testing::require(moved->must_signal == (count != 0 && index_at(consumed_offset) == produced_));
        for (std::uint32_t i = 0; i < count; ++i)
            testing::require(entry_at(produced_ + i) == wanted[i]);
        if (!is_disturbed_)
            under_way_.insert(under_way_.end(), wanted.begin(), wanted.begin() + count);
        produced_ += count;
        testing::require(count == 0 ? words_ == before : index_at(produced_offset) == produced_);
    }

    void pop() {
        std::array<TestEntry, 40> batch{};
        auto const into = std::span(batch).first(choices_.below(batch.size() + 1));
        auto const produced = index_at(produced_offset);
        auto const waits = consumer_.waiting_entries();
        auto const before = words_;
        auto const moved = consumer_.pop_batch(into);
        if (produced - consumed_ > entries_) {
            testing::require(is_disturbed_ && !waits && !moved && moved.error() == Error::corrupt && words_ == before);
            return;
        }
        auto const count = static_cast<std::uint32_t>(std::min<std::size_t>(produced - consumed_, into.size()));
        testing::require(waits == produced - consumed_ && moved && moved->count == count);
        testing::require(moved->must_signal == (count != 0 && produced - consumed_ == entries_));
        for (std::uint32_t i = 0; i < count; ++i)
            testing::require(into[i] == entry_at(consumed_ + i));
        if (!is_disturbed_) {
            testing::require(under_way_.size() == produced - consumed_ &&
                             std::ranges::equal(into.first(count), std::span(under_way_).first(count)));
            under_way_.erase(under_way_.begin(), under_way_.begin() + count);
        }
        consumed_ += count;
        testing::require(count == 0 ? words_ == before : index_at(consumed_offset) == consumed_);
    }

    testing::Choices& choices_;
    std::uint32_t entries_;
    std::vector<std::uint64_t> words_;
    Producer<TestEntry> producer_;
    Consumer<TestEntry> consumer_;
    std::uint32_t produced_ = 0;  // what each end must have as its own index
    std::uint32_t consumed_ = 0;
    bool is_disturbed_ = false;  // the shared memory is not what the ends have made it
    std::vector<TestEntry> under_way_;
    std::uint64_t next_value_ = 0;
};

}  // namespace astrata::ring
