/* How a thread waits for a permit (Thread::wait_for_permit, Thread::permit): it announces the wait, then looks for a permit; whoever gives
 * one stores it, then looks for the wait. Of two permits, a kick and the thread itself exactly one ends a wait, the thread is made ready as
 * often as it switches away, and it never sleeps with a permit there. Each wait that took a permit had one given. */
mtype = { running, waiting, woken };

#define WAITS 3

mtype state = running;      /* Thread::wait_state_; of waits only this kind */
bool has_permit;            /* Thread::has_permit_ */
bool pending;               /* Thread::pending_: a kick */
bool is_interrupted;        /* Thread::wake_status_ */
bool is_asleep;
byte ready;                 /* places in run queues */
byte given;
byte taken;

/* WaitState::try_permit, try_interrupt and try_wake: true in `won` for the one that ends the wait. */
inline try_end(won, is_kick) {
    atomic {
        won = (state == waiting);
        if
        :: won -> state = woken; is_interrupted = is_kick
        :: else
        fi
    }
}

/* Whoever wins makes the thread ready, once for each time it switches away. */
inline make_ready() {
    atomic { ready++; assert(ready == 1) }
}

inline take_permit(took) {
    atomic { took = has_permit; has_permit = false; taken = taken + took }
}

/* Thread::block. */
inline block() {
    won = false;
    if
    :: pending -> try_end(won, true)
    :: else
    fi;
    if
    :: won
    :: else ->
        is_asleep = true;
end_asleep:                 /* nobody need ever come */
        atomic { ready > 0 -> ready--; assert(state == woken); is_asleep = false }
    fi
}

active proctype waiter() {
    bool took, won;
    byte waits;
    do
    :: waits == WAITS -> break
    :: else ->
        waits++;
        take_permit(took);
        if
        :: took
        :: else ->
#ifdef BROKEN               /* a look before the announcement misses a permit that is given in between */
            bool is_there = has_permit;
            state = waiting;
            if
            :: is_there ->
#else
            state = waiting;
            if
            :: has_permit ->
#endif
                try_end(won, false);    /* Thread::cancel_wait */
                if
                :: won
                :: else -> ready > 0 -> ready--     /* somebody else ended it, and makes it ready */
                fi
            :: else -> block()
            fi;
            assert(state == woken && ready == 0);
            state = running;
            if
            :: is_interrupted -> pending = false
            :: else
            fi;
            take_permit(took)
        fi;
        assert(taken <= given)
    od
}

proctype giver() {
    bool won;
    atomic { has_permit = true; given++ }
    try_end(won, false);
    if
    :: won -> make_ready()
    :: else
    fi
}

active proctype kicker() {
    bool won;
    pending = true;
    try_end(won, true);
    if
    :: won -> make_ready()
    :: else
    fi
}

init {
    atomic { run giver(); run giver() }
}

/* When nothing moves any more. */
active proctype observer() {
    timeout -> assert(!is_asleep || !has_permit && !pending)
}
