// Handle tables under any sequence of operations, short of memory at times, against a model that knows every handle,
// what it was derived from and how many references each object must have.
#pragma once

#include <algorithm>
#include <array>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "kernel/ipc/reply.h"
#include "kernel/mem/shortage_testing.h"
#include "kernel/object/fakes_test.h"
#include "kernel/object/lookup.h"
#include "lib/testing/choices.h"

namespace astrata::kernel {

class HandleWorld {
public:
    explicit HandleWorld(testing::Choices& choices) : choices_(choices) {
        object_fakes.dropped_replies = 0;
        for (auto& table : tables_)
            table.account = Account::create(nullptr, Account::unlimited).value();
        for (auto& table : tables_)
            table.open();
    }

    void run() {
        while (choices_.has_step()) {
            step();
            check_some();
        }
        check_all();
        for (auto& table : tables_) {
            close_all(table);
            table.handles.reset();
            require(table.account->used() == 0);
        }
        for (auto& thing : things_)
            thing->held = nullptr;
        for (auto const& thing : things_)
            require(thing->is_reply || !thing->is_alive);
        require(payer_->used() == 0);
    }

private:
    using Rights = abi::Rights;
    struct Record {                    // what is known of an object
        RefOrNull<KernelObject> held;  // the world's own reference
        KernelObject* object = nullptr;
        Record* whole = nullptr;  // what it is a part of
        Record* root = nullptr;   // whose derivation tree it is in
        bool is_alive = true;
        bool is_reply = false;
        int handles = 0;
        int receive_handles = 0;
        int parts = 0;  // that refer to it as the root
        int times_without_handles = 0, expected_without_handles = 0;
        int times_without_receivers = 0, expected_without_receivers = 0;
    };
    class Object final : public KernelObject {
    public:
        Object(Ref<Account> account, Record& of)
            : KernelObject(abi::ObjectKind::io_region, std::move(account)), of_(of) {}
        Object(Ref<Account> account, Record& of, KernelObject& whole)
            : KernelObject(abi::ObjectKind::io_region, std::move(account), whole), of_(of) {}
        ~Object() override { of_.is_alive = false; }
        void handles_gone() override { ++of_.times_without_handles; }
        void receivers_gone() override { ++of_.times_without_receivers; }

    private:
        Record& of_;
    };
    struct Table {
        RefOrNull<Account> account;
        std::unique_ptr<HandleTable> handles;
        std::set<abi::Handle> issued;  // every value that there has ever been
        bool is_closed = false;
        std::uint64_t open_handles = 0;
        void open() {
            handles = std::make_unique<HandleTable>(*account);
            issued.clear();
            is_closed = false;
        }
    };
    struct Known {  // a handle
        Record* thing;
        Rights rights;
        std::uint64_t badge;
        Table* table;
        abi::Handle value;
        Known* parent;
    };
    using Place = std::list<Known>::iterator;

    static void require(bool holds, std::source_location where = std::source_location::current()) {
        testing::require(holds, where);
    }
    // A failure must have one of the reasons that there are: then nothing has changed.
    void require_reason(Error error, Table const& target) {
        require(error == Error::no_resources ? target.is_closed : error == Error::no_memory && is_short_);
    }

    Rights some_rights() { return static_cast<Rights>(choices_.below(1U << 10)) & all_rights; }
    Table& some_table() { return choices_.from(tables_); }
    Place some_handle() {
        return std::next(handles_.begin(), static_cast<std::ptrdiff_t>(choices_.below(handles_.size())));
    }

    void step() {
        auto const kind = choices_.below(16);
        std::vector<std::unique_ptr<ChargeShortage>> charges;
        std::optional<FrameShortage> frames;
        if (choices_.one_in(8)) {
            for (auto& table : tables_)
                charges.push_back(std::make_unique<ChargeShortage>(*table.account, choices_.below(3) * 4096));
        } else if (choices_.one_in(64)) {
            frames.emplace(choices_.below(3));
        }
        is_short_ = !charges.empty() || frames;
        switch (kind) {
        case 0: make_object_or_part(); break;
        case 1:
        case 2: insert(); break;
        case 3: give_up_object(); break;
        case 15: end_table(); break;
        default:
            if (!handles_.empty())
                step_with_handle(kind, some_handle());
        }
    }
    void step_with_handle(std::uint64_t kind, Place handle) {
        switch (kind) {
        case 4:
        case 5:
        case 6: derive(handle); break;
        case 7: derive_part(handle); break;
        case 8:
        case 9: move(handle); break;
        case 10:
        case 11: move_message(handle); break;
        case 12: close(handle); break;
        case 13: take_reply(handle); break;
        default: revoke(handle);
        }
    }

    // ---- Objects.

    void make_object_or_part() {
        auto thing = std::make_unique<Record>();
        thing->root = thing.get();
        Result<Ref<KernelObject>> made = fail(Error::no_memory);
        if (auto const kind = choices_.below(4); kind == 0) {
            thing->is_reply = true;
            if (auto reply = make_object<Reply>(*payer_); reply)
                made = Ref<KernelObject>(*std::move(reply));
        } else if (auto* const whole = things_.empty() ? nullptr : choices_.from(things_).get();
                   kind == 1 && whole != nullptr && whole->is_alive && !whole->is_reply && whole->held) {
            thing->whole = whole;
            thing->root = whole->root;
            if (auto part = make_object<Object>(*payer_, *thing, *whole->held); part)
                made = Ref<KernelObject>(*std::move(part));
        } else if (auto object = make_object<Object>(*payer_, *thing); object) {
            made = Ref<KernelObject>(*std::move(object));
        }
        if (!made) {
            require(is_short_);
            return;
        }
        thing->held = *std::move(made);
        thing->object = thing->held.get();
        if (thing->root != thing.get())
            ++thing->root->parts;
        things_.push_back(std::move(thing));
    }
    void give_up_object() {
        if (things_.empty())
            return;
        auto& thing = *choices_.from(things_);
        thing.held = nullptr;
        settle(thing);
    }
    static bool is_needed(Record const& thing) { return thing.held || thing.handles != 0 || thing.parts != 0; }

    // A part that has ended keeps what it is a part of no longer.
    void let_go(Record& thing) {
        if (thing.is_reply || thing.root == &thing || thing.object == nullptr || is_needed(thing))
            return;
        thing.object = nullptr;
        --thing.root->parts;
        let_go(*thing.root);
    }
    // After references have gone: what must have ended has.
    void settle(Record& thing) {
        if (thing.is_reply) {  // it has no destructor that the world hears of
            if (thing.is_alive && !thing.held && thing.handles == 0)
                thing.is_alive = false;
            return;
        }
        let_go(thing);
        require(thing.is_alive == is_needed(thing));
        require(thing.root->is_alive == is_needed(*thing.root));
    }

    void settle(std::set<Record*> const& things) {
        // All parts of a thing first: they went together.
        for (auto* const thing : things)
            let_go(*thing);
        for (auto* const thing : things)
            settle(*thing);
    }

    // ---- What the model does.

    Known& add(Table& table, abi::Handle value, Record& thing, Rights rights, std::uint64_t badge, Known* parent) {
        require(value != 0 && table.issued.insert(value).second);  // no number comes twice
        ++thing.handles;
        thing.receive_handles += has(rights, Rights::receive) ? 1 : 0;
        ++table.open_handles;
        return handles_.emplace_back(Known{&thing, rights, badge, &table, value, parent});
    }
    void adopt_children(Known& of, Known* parent) {
        for (auto& handle : handles_) {
            if (handle.parent == &of)
                handle.parent = parent;
        }
    }
    void remove(Place handle) {
        auto& thing = *handle->thing;
        --handle->table->open_handles;
        if (has(handle->rights, Rights::receive) && --thing.receive_handles == 0)
            ++thing.expected_without_receivers;
        if (--thing.handles == 0)
            ++thing.expected_without_handles;
        adopt_children(*handle, handle->parent);
        handles_.erase(handle);
    }
    void now_in(Known& handle, Table& table, abi::Handle value) {
        if (&table == handle.table) {
            require(value == handle.value);
            return;
        }
        require(value != 0 && table.issued.insert(value).second);
        --handle.table->open_handles;
        ++table.open_handles;
        handle.table = &table;
        handle.value = value;
    }
    bool is_below(Known const& handle, Known const& top) {
        auto const* at = handle.parent;
        while (at != nullptr && at != &top)
            at = at->parent;
        return at != nullptr;
    }

    // ---- Operations.

    void insert() {
        if (things_.empty())
            return;
        auto& thing = *choices_.from(things_);
        if (!thing.held)
            return;
        auto& table = some_table();
        auto const rights = thing.is_reply ? Rights::transfer : some_rights();
        auto const badge = choices_.below(256);
        auto object = Ref<KernelObject>::share(*thing.held);
        auto const value = thing.is_reply ? table.handles->insert_reply(std::move(object), badge)
                                          : table.handles->insert(std::move(object), rights, badge);
        if (value)
            add(table, *value, thing, rights, badge, nullptr);
        else
            require_reason(value.error(), table);
    }
    void derive(Place parent) {
        if (parent->thing->is_reply)
            return;
        // As sys_handle_duplicate allows it.
        auto const rights = some_rights() & parent->rights;
        auto const badge = choices_.below(256);
        auto const value = parent->table->handles->derive(parent->value, rights, badge);
        if (value)
            add(*parent->table, *value, *parent->thing, rights, badge, &*parent);
        else
            require_reason(value.error(), *parent->table);
    }
    void derive_part(Place parent) {
        auto& part = *choices_.from(things_);
        if (part.whole != parent->thing || !part.held)
            return;
        auto const rights = some_rights() & parent->rights;
        auto const value =
            parent->table->handles->derive_part(parent->value, Ref<KernelObject>::share(*part.held), rights);
        if (value)
            add(*parent->table, *value, part, rights, 0, &*parent);
        else
            require_reason(value.error(), *parent->table);
    }
    void move(Place handle) {
        auto& target = some_table();
        auto const value = handle->table->handles->move(handle->value, *target.handles);
        if (value)
            now_in(*handle, target, *value);
        else
            require_reason(value.error(), target);
    }
    // Several handles at once, one of them perhaps twice, stale or not to be moved; and perhaps back again.
    void move_message(Place first) {
        auto& source = *first->table;
        auto& target = some_table();
        MessageHandles message;
        std::vector<Known*> moved;  // null: a number that no handle has
        bool is_movable = true;
        bool is_valid = true;
        for (auto count = choices_.below(abi::message_handle_limit) + 1; count > 0; --count) {
            auto const handle = moved.empty() ? first : some_handle();
            if (handle->table != &source)
                continue;  // its number may be somebody else's here
            bool const is_stale = !moved.empty() && choices_.one_in(16);
            is_movable = is_movable && has(handle->rights, Rights::transfer);
            is_valid = is_valid && !is_stale && (!std::ranges::contains(moved, &*handle) || &source == &target);
            message.values[message.count++] = is_stale ? handle->value + (abi::Handle{1} << 32) : handle->value;
            moved.push_back(is_stale ? nullptr : &*handle);
        }
        auto const values = source.handles->move_message(message, *target.handles);
        if (!values) {
            if (values.error() == Error::access_denied)
                require(!is_movable);
            else if (values.error() == Error::bad_handle)
                require(!is_valid);
            else
                require_reason(values.error(), target);
            // All are where they were; those that were on their way have new numbers.
            for (std::size_t i = 0; i < message.count; ++i) {
                if (moved[i] != nullptr && message.values[i] != moved[i]->value && is_first(moved, i))
                    renumber(*moved[i], message.values[i]);
            }
            return;
        }
        require(is_movable && is_valid && values->count == message.count);
        for (std::size_t i = 0; i < message.count; ++i)
            now_in(*moved[i], target, values->values[i]);
        if (&source == &target || choices_.below(2) == 0)
            return;
        auto const returned = target.handles->return_message(*values, *source.handles);
        for (std::size_t i = 0; i < message.count; ++i)
            now_in(*moved[i], source, returned.values[i]);
    }
    // Of a handle that is named twice, the message has the new number where it came first.
    static bool is_first(std::vector<Known*> const& moved, std::size_t i) {
        return std::ranges::find(moved, moved[i]) == moved.begin() + static_cast<std::ptrdiff_t>(i);
    }
    void renumber(Known& handle, abi::Handle value) {
        require(value != 0 && handle.table->issued.insert(value).second);
        handle.value = value;
    }
    void close(Place handle) {
        auto& thing = *handle->thing;
        require(handle->table->handles->close(handle->value).has_value());
        expected_drops_ += thing.is_reply ? 1 : 0;
        remove(handle);
        settle(thing);
    }
    void take_reply(Place handle) {
        auto& thing = *handle->thing;
        {
            auto const taken = handle->table->handles->take_reply(handle->value);
            if (!thing.is_reply) {
                require(!taken && taken.error() == Error::wrong_type);
                return;
            }
            require(taken && taken->object.get() == thing.object && taken->badge == handle->badge);
            require(handle->table->handles->take_reply(handle->value).error() == Error::bad_handle);
        }
        remove(handle);
        settle(thing);
    }
    void revoke(Place top) {
        auto& known = *top;
        auto const revoked = known.table->handles->revoke(known.value);
        std::vector<Place> victims;
        for (auto at = handles_.begin(); at != handles_.end(); ++at) {
            if (is_below(*at, known))
                victims.push_back(at);
        }
        require(revoked == victims.size());
        std::set<Record*> touched;
        for (auto const victim : victims) {
            touched.insert(victim->thing);
            remove(victim);
        }
        settle(touched);
    }
    void close_all(Table& table) {
        table.handles->close_all();
        table.is_closed = true;
        std::set<Record*> touched;
        for (auto at = handles_.begin(); at != handles_.end();) {
            auto const handle = at++;
            if (handle->table != &table)
                continue;
            touched.insert(handle->thing);
            expected_drops_ += handle->thing->is_reply ? 1 : 0;
            remove(handle);
        }
        settle(touched);
        require(table.handles->count() == 0);
    }
    void end_table() {
        auto& table = some_table();
        if (table.is_closed) {
            table.handles.reset();
            require(table.account->used() == 0);
            table.open();
        } else if (choices_.one_in(4)) {
            close_all(table);
        }
    }

    // ---- What must be so.

    void check(Known const& handle) {
        auto& table = *handle.table->handles;
        auto const found = table.find(handle.value);
        require(found && found->object.get() == handle.thing->object && found->rights == handle.rights &&
                found->badge == handle.badge);
        require(handle.parent == nullptr || (handle.rights & handle.parent->rights) == handle.rights);
        auto const kind = handle.thing->is_reply ? abi::ObjectKind::reply : abi::ObjectKind::io_region;
        auto rights = abi::Rights{};
        require(table.find_kind(handle.value, kind, handle.rights, rights).has_value() && rights == handle.rights);
        require(table.find_kind(handle.value, abi::ObjectKind::thread, {}).error() == Error::wrong_type);
        if (handle.rights != all_rights)
            require(table.find_kind(handle.value, kind, all_rights).error() == Error::access_denied);
    }
    void check(Record const& thing) {
        require(thing.times_without_handles == (thing.is_reply ? 0 : thing.expected_without_handles));
        require(thing.times_without_receivers == (thing.is_reply ? 0 : thing.expected_without_receivers));
        if (!thing.is_alive)
            return;
        auto const references = thing.handles + (thing.held ? 1 : 0) + thing.parts;
        require(thing.object->reference_count() == static_cast<std::uint32_t>(references));
    }
    void check_some() {
        for (auto const& table : tables_)
            require(table.handles->count() == table.open_handles);
        require(object_fakes.dropped_replies == expected_drops_);
        if (!handles_.empty())
            check(*some_handle());
        if (!things_.empty())
            check(*choices_.from(things_));
        // A number that was valid once is so no more.
        auto& table = some_table();
        auto const old = table.issued.lower_bound(abi::Handle{choices_.below(64)} << 32 | choices_.below(256));
        if (old != table.issued.end()) {
            bool const is_open = std::ranges::any_of(
                handles_, [&](Known const& handle) { return handle.table == &table && handle.value == *old; });
            require(table.handles->find(*old).has_value() == is_open);
        }
    }
    void check_all() {
        for (auto const& handle : handles_)
            check(handle);
        for (auto const& thing : things_)
            check(*thing);
    }

    testing::Choices& choices_;
    Ref<Account> payer_ = Account::create(nullptr, Account::unlimited).value();  // of the objects
    std::vector<std::unique_ptr<Record>> things_;
    std::array<Table, 3> tables_;
    std::list<Known> handles_;
    bool is_short_ = false;
    int expected_drops_ = 0;
};

}  // namespace astrata::kernel
