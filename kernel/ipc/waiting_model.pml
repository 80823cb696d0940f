/* How a thread waits for the answer to its call (kernel/sched/thread.h): it announces the wait, makes itself findable, and sleeps; a
 * replier, a kick and a deadline compete to end the wait. Exactly one of them does, the thread is made ready as often as it switches
 * away, nobody resumes it while its stack is in use, and a kick is never lost, whether an answer comes or not. */
mtype = { running, waiting, woken };

mtype state = running;      /* Thread::wait_state_ */
bool pending;               /* Thread::pending_ */
bool is_findable;           /* the reply handle is in the server's table */
bool is_on_cpu = true;      /* the stack is in use */
byte ready;                 /* places in run queues */
byte winners;
bool is_done;

/* Thread::try_wake: true in `won` for the one that ends the wait. */
inline try_wake(won) {
    atomic {
        won = (state == waiting);
        if
        :: won -> state = woken; winners++
        :: else
        fi
    }
}

active proctype caller() {
    bool won_against_itself = false;
#ifdef BROKEN               /* a look before the announcement misses the kick in between */
    bool was_pending = pending;
    state = waiting;
    is_findable = true;
    if
    :: was_pending -> try_wake(won_against_itself)
    :: else
    fi;
#else
    state = waiting;
    is_findable = true;
    if
    :: pending -> try_wake(won_against_itself)
    :: else
    fi;
#endif
    if
    :: won_against_itself
    :: else ->
        is_on_cpu = false;  /* finish_switch: the stack is left */
        atomic { ready > 0 -> ready--; assert(!is_on_cpu); is_on_cpu = true }
    fi;
    assert(winners == 1 && ready == 0);
    state = running;
    is_done = true
}

/* Whoever wins makes the thread ready; the CPU that picks it waits until the stack is free. */
inline make_ready() {
    atomic { ready++; assert(ready == 1) }
}

active proctype replier() {
    bool won;
    if
    :: true ->              /* a server that answers, by the long way */
        is_findable;
        try_wake(won);
        if
        :: won -> make_ready()
        :: else
        fi
    :: true ->              /* by the fast path: only a thread whose stack is free already */
        is_findable && !is_on_cpu || is_done;
        if
        :: is_done
        :: else ->
            try_wake(won);
            if
            :: won -> make_ready()
            :: else
            fi
        fi
    :: true                 /* one that never does */
    fi
}

active proctype kicker() {
    bool won;
    pending = true;
    try_wake(won);
    if
    :: won -> make_ready()
    :: else
    fi
}
