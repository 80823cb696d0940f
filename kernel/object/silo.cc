#include "kernel/object/silo.h"

#include <algorithm>

#include "kernel/object/make_object.h"
#include "kernel/object/process.h"
#include "kernel/sched/cpu_limits.h"
#include "kernel/trace/trace.h"

namespace astrata::kernel {

Silo::Silo(Ref<Account> own_cost, RefOrNull<Silo> parent, Ref<Account> memory)
    : KernelObject(abi::ObjectKind::silo, std::move(own_cost)), cpu(*this), parent_(std::move(parent)),
      depth_(parent_ ? parent_->depth_ + 1 : 0), memory_(std::move(memory)),
      highest_priority_(parent_ ? priority::first_real_time - 1 : priority::highest) {
    cpu_limits::add(*this);
}

Silo::~Silo() {
    if (trace::is_on(abi::TraceGroups::life)) [[unlikely]]
        trace::record_silo_end(*this);
    cpu_limits::remove(*this);
    if (parent_) {
        LockGuard guard(parent_->lock_);
        if (parent_->children_.is_linked(*this))
            parent_->children_.remove(*this);
    }
}

Result<Ref<Silo>> Silo::create(Silo* parent, std::uint64_t memory_limit, std::uint32_t process_limit, std::uint32_t thread_limit) {
    if (parent != nullptr && parent->depth_ == depth_limit)
        return fail(Error::no_resources);
    auto memory = TRY(Account::create(parent != nullptr ? parent->memory_.get() : nullptr,
                                      memory_limit != 0 ? memory_limit : Account::unlimited));
    auto& payer = parent != nullptr ? parent->memory() : *memory;
    auto silo = TRY(make_object<Silo>(payer, parent != nullptr ? RefOrNull<Silo>(Ref<Silo>::share(*parent)) : RefOrNull<Silo>(), memory));
    if (process_limit != 0)
        silo->processes.limit = process_limit;
    if (thread_limit != 0)
        silo->threads.limit = thread_limit;
    if (parent != nullptr) {
        LockGuard guard(parent->lock_);
        if (parent->is_killed_)
            return fail(Error::bad_state);
        parent->children_.push_back(*silo);
    }
    if (trace::is_on(abi::TraceGroups::life)) [[unlikely]]
        trace::record_silo_start(*silo, parent);
    return silo;
}

std::uint8_t Silo::highest_priority() const {
    auto level = highest_priority_.load(std::memory_order_relaxed);
    for (auto const* silo = parent(); silo != nullptr; silo = silo->parent())
        level = std::min(level, silo->highest_priority_.load(std::memory_order_relaxed));
    return level;
}

Result<> Silo::count(Quota Silo::* quota) {
    for (auto* silo = this; silo != nullptr; silo = silo->parent_.get()) {
        auto& [used, limit] = silo->*quota;
        if (used.fetch_add(1, std::memory_order_relaxed) < limit.load(std::memory_order_relaxed))
            continue;
        for (auto* counted = this;; counted = counted->parent_.get()) {
            (counted->*quota).used.fetch_sub(1, std::memory_order_relaxed);
            if (counted == silo)
                break;
        }
        return fail(Error::no_resources);
    }
    return {};
}

void Silo::uncount(Quota Silo::* quota) {
    for (auto* silo = this; silo != nullptr; silo = silo->parent_.get())
        (silo->*quota).used.fetch_sub(1, std::memory_order_relaxed);
}

Result<> Silo::count_process() {
    if (is_killed())
        return fail(Error::bad_state);
    return count(&Silo::processes);
}

void Silo::add_process(Process& process) {
    LockGuard guard(lock_);
    process.silo_link = {.previous = nullptr, .next = first_process_, .is_linked = true};
    if (first_process_ != nullptr)
        first_process_->silo_link.previous = &process;
    first_process_ = &process;
}

void Silo::remove_process(Process& process) {
    {
        LockGuard guard(lock_);
        auto& link = process.silo_link;
        if (!link.is_linked)
            return;
        (link.previous != nullptr ? link.previous->silo_link.next : first_process_) = link.next;
        if (link.next != nullptr)
            link.next->silo_link.previous = link.previous;
        link = {};
    }
    for (auto* silo = this; silo != nullptr; silo = silo->parent_.get()) {
        if (silo->processes.used.fetch_sub(1, std::memory_order_acq_rel) == 1)
            silo->events.signal(1);
    }
}

// Walks the tree without recursion: each round takes one victim, a process or a silo that is not yet killed.
void Silo::kill() {
    is_killed_.store(true, std::memory_order_release);
    RefOrNull<Silo> place = Ref<Silo>::share(*this);
    while (place) {
        RefOrNull<Process> victim;
        RefOrNull<Silo> below;
        {
            LockGuard guard(place->lock_);
            for (auto* process = place->first_process_; process != nullptr && !victim; process = process->silo_link.next) {
                if (!process->has_ended() && process->try_add_reference())
                    victim = Ref<Process>::adopt(*process);
            }
            if (!victim) {
                for (auto& child : place->children_) {
                    if (!child.is_killed_.load(std::memory_order_relaxed) && child.try_add_reference()) {
                        below = Ref<Silo>::adopt(child);
                        below->is_killed_.store(true, std::memory_order_release);
                        break;
                    }
                }
            }
        }
        if (victim)
            victim->kill();
        else if (below)
            place = below;
        else if (place.get() == this)
            return;
        else
            place = place->parent_;
    }
}

}  // namespace astrata::kernel
