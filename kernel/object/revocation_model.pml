/* Deriving, moving and revoking handles at the same time (handle_table.h): when a revocation has returned, no handle that was derived
 * from the revoked one before is open, wherever it went meanwhile. Slot 0 is the revoked handle, slot 1 derived from it; others derive
 * from slot 1 or move it. */
#define SLOTS 5
#define NONE 255

bool derivation_lock;       /* of the object */
bool is_open[SLOTS];
byte parent[SLOTS];
byte copies = 2;            /* slots used so far */
bool is_revoked;

inline lock() { atomic { !derivation_lock -> derivation_lock = true } }
inline unlock() { derivation_lock = false }

init {
    atomic {
        is_open[0] = true; parent[0] = NONE;
        is_open[1] = true; parent[1] = 0;
        run revoker(); run deriver(); run deriver(); run mover()
    }
}

/* Derives from slot 1, if it is still open. */
proctype deriver() {
    byte slot;
#ifdef BROKEN               /* the parent may go between the look and the lock */
    bool was_open = is_open[1];
    lock();
    if
    :: was_open ->
#else
    lock();
    if
    :: is_open[1] ->
#endif
        slot = copies; copies++;
        parent[slot] = 1; is_open[slot] = true;
    :: else
    fi;
    unlock()
}

/* Moves slot 1 into another table, its place in the tree and its children with it. */
proctype mover() {
    byte slot, child;
    lock();
    if
    :: is_open[1] ->
        slot = copies; copies++;
        parent[slot] = parent[1]; is_open[slot] = true; is_open[1] = false;
        child = 0;
        do
        :: child == SLOTS -> break
        :: child < SLOTS && is_open[child] && parent[child] == 1 -> parent[child] = slot; child++
        :: else -> child++
        od
    :: else
    fi;
    unlock()
}

/* One handle at a time, deepest first; ends when slot 0 has no descendant. */
proctype revoker() {
    byte victim, at;
    do
    :: true ->
        lock();
        victim = NONE;
        at = 0;
        do                  /* some leaf below slot 0; every open handle but 0 is below it */
        :: at == SLOTS -> break
        :: at < SLOTS ->
            if
            :: at != 0 && is_open[at] &&
               !(is_open[1] && parent[1] == at) && !(is_open[2] && parent[2] == at) && !(is_open[3] && parent[3] == at) &&
               !(is_open[4] && parent[4] == at) -> victim = at
            :: else
            fi;
            at++
        od;
        if
        :: victim == NONE -> unlock(); break
        :: else -> is_open[victim] = false; unlock()
        fi
    od;
    is_revoked = true;
    /* Nothing can have been derived from what is closed. */
    assert(!is_open[1] && !is_open[2] && !is_open[3] && !is_open[4])
}
