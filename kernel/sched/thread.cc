#include "kernel/sched/thread.h"

#include <algorithm>

#include "arch/cpu.h"
#include "kernel/mem/address_space.h"
#include "kernel/mem/heap.h"
#include "kernel/mem/memory_object.h"
#include "kernel/object/make_object.h"
#include "kernel/object/process.h"
#include "kernel/object/silo.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread_registry.h"

namespace astrata::kernel {

namespace {

struct UserEntry {
    std::uint64_t entry, stack, argument0, argument1, argument2;
};

// First code of a user thread, on its kernel stack. The parameters wait in request_words.
void begin_user_thread(void* raw) {
    auto& thread = *static_cast<Thread*>(raw);
    auto const words = thread.request_words;
    arch::enter_user(words[0], words[1], words[2], words[3], thread.buffer_address.value);
}

}  // namespace

Thread::Thread(Ref<Account> account, RefOrNull<Process> process, std::string_view name, mem::KernelStack stack)
    : KernelObject(abi::ObjectKind::thread, account), process_(std::move(process)), stack_(std::move(stack)),
      reply_(Ref<Reply>::adopt(*static_cast<Reply*>(nullptr))), timeout_(timeout_expired, *this) {
    std::ranges::copy(name.substr(0, name_capacity - 1), name_.begin());
    arch.stack_top = stack_.top().value;
    arch.trap_stack = arch.stack_top;
}

Thread::~Thread() {
    arch::free_vector_area(*this);
}

}  // namespace astrata::kernel
