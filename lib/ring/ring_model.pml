/* The ring of ring.h between a producer and a consumer that sleep on the empty and the full edge: everything arrives, in order, and
 * nobody sleeps for ever. Memory is sequentially consistent here; the fences in ring.h make it so where it matters. */
#define ENTRIES 2
#define TOTAL 5

byte produced;              /* entries ever pushed */
byte consumed;              /* entries ever taken */
byte slots[ENTRIES];
bool wake_consumer;         /* notifications: a wait takes the bit */
bool wake_producer;

active proctype producer() {
    byte before, seen;
    do
    :: produced == TOTAL -> break
    :: else ->
        seen = consumed;
        if
        :: produced - seen < ENTRIES ->
            slots[produced % ENTRIES] = produced;
            before = produced;
#ifdef BROKEN               /* without the fence, the load may come first */
            seen = consumed;
            produced++;
#else
            produced++;
            seen = consumed;
#endif
            if
            :: seen == before -> wake_consumer = true
            :: else
            fi
        :: else -> atomic { wake_producer -> wake_producer = false }
        fi
    od
}

active proctype consumer() {
    byte before, seen;
    do
    :: consumed == TOTAL -> break
    :: else ->
        seen = produced;
        if
        :: seen - consumed > 0 ->
            assert(seen - consumed <= ENTRIES);
            assert(slots[consumed % ENTRIES] == consumed);
            before = consumed;
            consumed++;
            seen = produced;
            if
            :: seen - before == ENTRIES -> wake_producer = true
            :: else
            fi
        :: else -> atomic { wake_consumer -> wake_consumer = false }
        fi
    od
}
