// Clients, servers, waiters and somebody who disturbs them, on any number of CPUs, in whatever order the choices say
// (fakes_test.h). What each of them sees must be explained by what the others did, and when nothing moves any more,
// nobody may have a reason to.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <vector>

#include "abi/message.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/fakes_test.h"
#include "kernel/ipc/message_calls.h"
#include "kernel/ipc/notification.h"
#include "kernel/object/lookup.h"
#include "kernel/object/make_object.h"
#include "kernel/object/process.h"

namespace astrata::kernel {

class IpcWorld {
public:
    explicit IpcWorld(testing::Choices& choices) : choices_(choices), scheduler_(choices) {
        auto& clients = client_process_->handles();
        auto& servers = server_process_->handles();
        endpoint_of_clients_ = clients.insert(endpoint_, abi::Rights::send, badge).value();
        endpoint_of_servers_ = servers.insert(endpoint_, all_rights).value();
        set_of_servers_ = servers.insert(Ref<WaitSet>::share(*set_), all_rights).value();
        join(endpoint_in_set_, endpoint_);
        join(signals_in_set_, set_signals_.object);
        for (auto& server : servers_)
            start(server, *server_process_, [&] { be_server(server); });
        for (auto& client : clients_) {
            client.token = clients.insert(client.token_object, abi::Rights::transfer).value();
            start(client, *client_process_, [&] { be_client(client); });
        }
        for (auto& waiter : waiters_)
            start(waiter, *client_process_, [&] { be_waiter(waiter); });
        start(parker_, *client_process_, [&] { be_parker(); });
        scheduler_.start(nullptr, [&] { disturb(); });
    }

    void run() {
        scheduler_.run_until_quiet();
        check_quiet();
        while (scheduler_.expire_some_timer()) {
            scheduler_.run_until_quiet();
            check_quiet();
        }
        kill_servers();
        scheduler_.run_until_quiet();
        check_quiet();
        for (auto* const actor : all_actors())
            actor->was_killed = true;
        client_process_->kill();
        scheduler_.run_until_quiet();
        require(scheduler_.have_all_ended());
        for (auto const& call : calls_)
            require(call.times_delivered == 1 || !call.must_be_delivered);
        // No handle is left, so nothing was duplicated on its way, and nothing that was dropped is still held.
        require(set_->reference_count() == 1);
        set_ = nullptr;  // what joined it at the last moment leaves it now
        require(endpoint_->reference_count() == 1 && set_signals_.object->reference_count() == 1);
        for (auto const& client : clients_)
            require(client.token_object->reference_count() == 1);
    }

private:
    static constexpr std::uint64_t badge = 0xbad6e;
    static constexpr std::uint64_t endpoint_key = 7;
    static constexpr std::uint64_t signals_key = 8;
    static constexpr std::size_t short_bytes = 8;
    static constexpr std::size_t long_bytes = 100;

    struct Actor {
        RefOrNull<Thread> thread;
        bool was_kicked = false;
        bool was_killed = false;
    };
    struct Call {
        int times_delivered = 0;
        int times_answered = 0;  // that the server knows of
        bool is_answer_tried = false;
        bool is_dropped = false;
        bool must_be_delivered = false;
    };
    struct Client : Actor {
        Ref<Notification> token_object;  // which its messages carry
        abi::Handle token = 0;
        std::uint64_t call = 0;  // that it waits for, if it waits
        explicit Client(Account& account) : token_object(make_object<Notification>(account).value()) {}
    };
    enum class WaitsOn { nothing, endpoint, set };
    struct Server : Actor {
        WaitsOn waits_on = WaitsOn::nothing;
        std::uint64_t chance_of_set = 0;  // of four
    };
    // A call that a server has in hand.
    struct InHand {
        std::uint64_t call = 0;
        abi::Handle reply = 0;
        abi::Handle token = 0;
    };
    struct Signals {
        Ref<Notification> object;
        std::uint64_t given = 0;  // bits that nobody has taken
        explicit Signals(Account& account) : object(make_object<Notification>(account).value()) {}
        void take(std::uint64_t bits) {
            require(bits != 0 && (bits & ~given) == 0);
            given &= ~bits;
        }
    };

    static void require(bool holds, std::source_location where = std::source_location::current()) {
        testing::require(holds, where);
    }
    MonotonicNs some_deadline() { return choices_.one_in(3) ? MonotonicNs{1000} : never; }

    void start(Actor& actor, Process& process, std::function<void()> body) {
        actor.thread = Thread::create(process, "actor").value();
        scheduler_.start(actor.thread, std::move(body));
    }

    // Whoever sees an error has been given a reason for it.
    void require_reason(Actor const& actor, Error error, MonotonicNs deadline) {
        switch (error) {
        case Error::timed_out: return require(deadline != never);
        case Error::would_block: return require(deadline.value == 0);
        case Error::interrupted: return require(actor.was_kicked || actor.was_killed);
        default: require(false);
        }
    }

    // ---- Clients.

    void be_client(Client& self) {
        for (int i = 0; i < 6; ++i) {
            make_call(self);
            scheduler_.come_by();
        }
    }
    void make_call(Client& self) {
        auto& frame = *self.thread->frame;
        auto& buffer = *self.thread->buffer;
        auto const id = calls_.size();
        calls_.emplace_back();
        bool const has_token = self.token != 0 && choices_.below(2) == 0;
        bool const is_long = choices_.one_in(4);
        auto const deadline = some_deadline();
        write_payload(*self.thread, is_long, id);
        frame.handle() = endpoint_of_clients_;
        frame.info() = abi::MessageInfo::make(0, is_long ? long_bytes : short_bytes, has_token ? 1 : 0).raw;
        frame.deadline() = deadline.value;
        if (has_token)
            buffer.handles[0] = self.token;
        self.call = id;
        call_endpoint(*self.thread, frame);
        auto& call = calls_[id];
        if (has_token)
            self.token = 0;
        if (frame.status() == 0) {
            require(call.times_delivered == 1 && call.is_answer_tried && payload(*self.thread) == ~id);
            require(abi::MessageInfo{frame.info()}.handles() == (has_token ? 1 : 0));
            if (has_token) {
                require(is_token(self, *client_process_, buffer.handles[0]));
                self.token = buffer.handles[0];
            }
            return;
        }
        auto const error = static_cast<Error>(frame.status());
        if (error == Error::peer_closed)
            require(call.is_dropped || server_process_->has_ended() || endpoint_->is_closed());
        else
            require_reason(self, error, deadline);
        // The token is where the message is.
        if (has_token && is_token(self, *client_process_, buffer.handles[0]))
            self.token = buffer.handles[0];
        else
            call.must_be_delivered = has_token;
    }
    static bool is_token(Client const& of, Process& process, abi::Handle handle) {
        auto const found = process.handles().find(handle);
        return found && found->object.get() == of.token_object.get();
    }
    static void write_payload(Thread& thread, bool is_long, std::uint64_t value) {
        thread.frame->words[0] = is_long ? 0 : value;
        if (is_long)
            require(store(std::as_writable_bytes(std::span(thread.buffer->data)), long_bytes - 8, value).has_value());
    }
    static std::uint64_t payload(Thread const& thread) {
        return abi::MessageInfo{thread.frame->info()}.is_in_registers()
                   ? thread.frame->words[0]
                   : load<std::uint64_t>(std::as_bytes(std::span(thread.buffer->data)), long_bytes - 8).value();
    }

    // ---- Servers.

    void be_server(Server& self) {
        self.chance_of_set = choices_.below(5);
        InHand hand;
        for (int i = 0; i < 30 && serve(self, hand); ++i)
            scheduler_.come_by();
        if (hand.reply != 0 && choices_.below(2) == 0)
            drop(hand);
    }
    // False if there is nothing to wait on any more.
    bool serve(Server& self, InHand& hand) {
        auto& frame = *self.thread->frame;
        if (hand.reply != 0) {
            switch (choices_.below(5)) {
            case 0: kept_.push_back(std::exchange(hand, {})); break;  // for later, by whichever server
            case 1: drop(std::exchange(hand, {})); break;
            case 2: answer_at_once(self, std::exchange(hand, {})); break;
            default: break;  // with the wait for the next one
            }
        }
        if (!kept_.empty() && choices_.one_in(3)) {
            // Two servers may take the same one.
            auto const late = choices_.from(kept_);
            answer_at_once(self, late);
            std::erase_if(kept_, [&](auto const& kept) { return kept.reply == late.reply; });
            scheduler_.come_by();
        }
        bool const is_on_set = choices_.below(4) < self.chance_of_set;
        auto const deadline = choices_.one_in(8) ? MonotonicNs{0} : some_deadline();
        prepare_answer(self, hand);
        frame.handle() = hand.reply;
        frame.source() = is_on_set ? set_of_servers_ : endpoint_of_servers_;
        frame.deadline() = deadline.value;
        self.waits_on = is_on_set ? WaitsOn::set : WaitsOn::endpoint;
        reply_and_wait(*self.thread, frame);
        self.waits_on = WaitsOn::nothing;
        if (frame.status() != 0) {
            auto const error = static_cast<Error>(frame.status());
            if (error == Error::bad_handle)  // before anything was answered
                return false;
            hand = {};
            require_reason(self, error, deadline);
            return true;
        }
        if (hand.reply != 0)
            require(++calls_[hand.call].times_answered == 1);
        hand = {};
        if (frame.handle() == 0) {
            require(frame.key() ==
                    (signals_key | std::uint64_t{static_cast<std::uint8_t>(abi::DeliveryKind::signal)} << 56));
            set_signals_.take(frame.words[0]);
        } else {
            hand = received(self);
        }
        return true;
    }
    InHand received(Server& self) {
        auto& frame = *self.thread->frame;
        auto const& buffer = *self.thread->buffer;
        InHand const hand{.call = payload(*self.thread),
                          .reply = frame.handle(),
                          .token = abi::MessageInfo{frame.info()}.handles() == 1 ? buffer.handles[0] : 0};
        require(hand.call < calls_.size() && ++calls_[hand.call].times_delivered == 1);
        require(frame.badge() == badge && buffer.sender_process == client_process_->id() &&
                (frame.key() == 0 || frame.key() == endpoint_key));
        require(hand.token == 0 || server_process_->handles().find(hand.token).has_value());
        return hand;
    }
    void prepare_answer(Server& self, InHand const& hand) {
        auto& frame = *self.thread->frame;
        bool const is_long = choices_.one_in(4);
        frame.info() = abi::MessageInfo::make(0, is_long ? long_bytes : short_bytes, hand.token != 0 ? 1 : 0).raw;
        if (hand.reply == 0)
            return;
        calls_[hand.call].is_answer_tried = true;
        write_payload(*self.thread, is_long, ~hand.call);
        self.thread->buffer->handles[0] = hand.token;
    }
    void answer_at_once(Server& self, InHand const& hand) {
        auto& frame = *self.thread->frame;
        prepare_answer(self, hand);
        frame.handle() = hand.reply;
        reply_only(*self.thread, frame);
        if (frame.status() == 0)
            require(++calls_[hand.call].times_answered == 1);
        else
            require(static_cast<Error>(frame.status()) == Error::bad_handle && calls_[hand.call].times_answered <= 1);
    }
    void drop(InHand const& hand) {
        calls_[hand.call].is_dropped = true;
        require(server_process_->handles().close(hand.reply).has_value());
        require(server_process_->handles().take_reply(hand.reply).error() == Error::bad_handle);
    }

    // ---- Others.

    void be_waiter(Actor& self) {
        for (int i = 0; i < 6; ++i) {
            auto const deadline = choices_.one_in(8) ? MonotonicNs{0} : some_deadline();
            auto const bits = plain_signals_.object->signals.wait(deadline);
            if (bits)
                plain_signals_.take(*bits);
            else
                require_reason(self, bits.error(), deadline);
            scheduler_.come_by();
        }
    }
    void be_parker() {
        for (int i = 0; i < 8; ++i) {
            auto const deadline = choices_.one_in(8) ? MonotonicNs{0} : some_deadline();
            auto const permit = parker_.thread->wait_for_permit(deadline);
            if (permit)
                require(was_permitted_);
            else
                require_reason(parker_, permit.error(), deadline);
            scheduler_.come_by();
        }
    }

    // ---- Whoever comes between.

    void disturb() {
        for (int i = 0; i < 40; ++i) {
            switch (choices_.below(16)) {
            case 0: kick(some_actor()); break;
            case 1:
                if (choices_.one_in(4))
                    kill(some_actor());
                break;
            case 2:
            case 3:
            case 4:
                was_permitted_ = true;
                parker_.thread->permit();
                break;
            case 5:
            case 6: signal(plain_signals_); break;
            case 7:
            case 8: signal(set_signals_); break;
            case 9:
            case 10: join_or_leave(endpoint_in_set_, endpoint_); break;
            case 11: join_or_leave(signals_in_set_, set_signals_.object); break;
            case 12:
                if (choices_.one_in(8))
                    (void)server_process_->handles().close(endpoint_of_servers_);
                break;
            case 13:
                if (choices_.one_in(8)) {
                    // The wait set ends with its last handle, and its sources leave it.
                    if (server_process_->handles().close(set_of_servers_))
                        endpoint_in_set_ = signals_in_set_ = is_set_open_ = false;
                }
                break;
            case 14:
                if (choices_.one_in(16))
                    kill_servers();
                break;
            default: (void)scheduler_.expire_some_timer();
            }
        }
    }
    std::array<Actor*, 8> all_actors() {
        return {&servers_[0], &servers_[1], &clients_[0], &clients_[1],
                &clients_[2], &waiters_[0], &waiters_[1], &parker_};
    }
    Actor& some_actor() {
        auto const actors = all_actors();
        return *choices_.from(actors);
    }
    void kill_servers() {
        for (auto& server : servers_)
            server.was_killed = true;
        server_process_->kill();
    }
    static void kick(Actor& actor) {
        actor.was_kicked = true;
        actor.thread->kick();
    }
    static void kill(Actor& actor) {
        actor.was_killed = true;
        actor.thread->kill();
    }
    void signal(Signals& signals) {
        auto const bit = std::uint64_t{1} << choices_.below(64);
        if ((signals.given & bit) != 0)
            return;  // one that was taken may not have been noted yet
        signals.given |= bit;
        signals.object->signals.signal(bit);
    }
    void join(bool& is_member, Ref<KernelObject> source) {
        auto const key = source->kind() == abi::ObjectKind::endpoint ? endpoint_key : signals_key;
        is_member = set_->add(std::move(source), key).has_value();
    }
    void join_or_leave(bool& is_member, Ref<KernelObject> source) {
        if (!is_set_open_ || server_process_->has_ended())
            return;  // closed sets are not added to
        if (is_member)
            is_member = !set_->remove(*source);
        else
            join(is_member, std::move(source));
    }

    // ---- Everybody has ended or sleeps.

    [[nodiscard]] bool is_asleep(Actor const& actor) const {
        return scheduler_.is_asleep(*actor.thread) && actor.thread->is_waiting();
    }
    void check_quiet() {
        for (auto const& actor : waiters_) {
            check_sleeper(actor);
            require(!is_asleep(actor) || plain_signals_.given == 0);
        }
        check_sleeper(parker_);
        require(!is_asleep(parker_) || !Window::has_permit(*parker_.thread));
        bool is_served = false;
        for (auto const& server : servers_) {
            check_sleeper(server);
            if (!is_asleep(server))
                continue;
            bool const is_on_set = server.waits_on == WaitsOn::set && is_set_open_;
            require(!is_on_set || !signals_in_set_ || set_signals_.given == 0);
            is_served = is_served || server.waits_on == WaitsOn::endpoint || (is_on_set && endpoint_in_set_);
        }
        for (auto const& client : clients_) {
            check_sleeper(client);
            if (!is_asleep(client))
                continue;
            auto const& call = calls_[client.call];
            require(call.times_answered == 0 && !call.is_dropped);
            if (call.times_delivered == 0)
                require(!is_served && !endpoint_->is_closed() && Window::is_queued(*client.thread));
            else
                require(!server_process_->has_ended() && !Window::is_queued(*client.thread));
        }
    }
    void check_sleeper(Actor const& actor) {
        require(!scheduler_.is_asleep(*actor.thread) ||
                (!actor.thread->is_kick_pending() && !actor.thread->is_kill_pending()));
    }

    testing::Choices& choices_;
    Ref<Silo> silo_ = Silo::create(nullptr, 0, 0, 0).value();
    Account& account_ = silo_->memory();
    Ref<Process> client_process_ = Process::create(silo_, "clients", abi::IsolationMode::user).value();
    Ref<Process> server_process_ = Process::create(silo_, "servers", abi::IsolationMode::user).value();
    Ref<Endpoint> endpoint_ = make_object<Endpoint>(account_).value();
    RefOrNull<WaitSet> set_ = make_object<WaitSet>(account_).value();
    abi::Handle endpoint_of_clients_ = 0;
    abi::Handle endpoint_of_servers_ = 0;
    abi::Handle set_of_servers_ = 0;
    bool is_set_open_ = true;
    bool endpoint_in_set_ = false;
    bool signals_in_set_ = false;
    Signals plain_signals_{account_};
    Signals set_signals_{account_};
    std::array<Client, 3> clients_{Client(account_), Client(account_), Client(account_)};
    std::array<Server, 2> servers_;
    std::array<Actor, 2> waiters_;
    Actor parker_;
    bool was_permitted_ = false;
    std::deque<Call> calls_;
    std::vector<InHand> kept_;
    FiberScheduler scheduler_;  // goes first: its fibers run the threads
};

/// One life of such a world, in a machine that has nothing else; what it has used it must give back.
inline void live_through(testing::Choices& choices) {
    auto const before = Account::create(nullptr, Account::unlimited).value()->id();
    {
        IpcWorld world(choices);
        world.run();
    }
    testing::require(Account::create(nullptr, Account::unlimited).value()->id() == before);
}

}  // namespace astrata::kernel
