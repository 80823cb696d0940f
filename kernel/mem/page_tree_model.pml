/* Subtrees shared between page trees that are guarded by different locks (page_tree.h): two trees that share a node each write to their
 * page, one of them is cloned meanwhile, and each sees its own writes only. A node holds one page number here. */
#define TREES 3
#define NODES 8

byte node_of[TREES];        /* which node each tree has */
byte references[NODES];
byte content[NODES];
byte made = 1;              /* nodes in use */
bool lock_of[TREES];
byte expected[TREES];       /* what each tree should read */
bool exists[TREES];

inline lock(tree) { atomic { !lock_of[tree] -> lock_of[tree] = true } }
inline unlock(tree) { lock_of[tree] = false }

/* The reference count is atomic; the node is the tree's alone if it has one reference. */
inline write(tree, value) {
    lock(tree);
    if
    :: references[node_of[tree]] == 1 -> content[node_of[tree]] = value
    :: else ->
        old = node_of[tree];
#ifdef BROKEN               /* given up before it was copied, it may be changed by the other tree, which has it alone now */
        references[old]--;
        atomic { fresh = made; made++; references[fresh] = 1 };
        content[fresh] = content[old];
#else
        atomic { fresh = made; made++; references[fresh] = 1 };
        content[fresh] = content[old];
        references[old]--;
#endif
        node_of[tree] = fresh;
        assert(content[fresh] == expected[tree]);
        content[fresh] = value
    fi;
    expected[tree] = value;
    unlock(tree)
}

proctype writer(byte tree; byte value) {
    byte old, fresh;
    write(tree, value);
    write(tree, value + 1)
}

/* Tree 2 becomes a copy of tree 0, at the cost of one reference. */
proctype cloner() {
    lock(0);
    atomic { references[node_of[0]]++; node_of[2] = node_of[0] };
    expected[2] = expected[0];
    unlock(0);
    exists[2] = true
}

init {
    atomic {
        content[0] = 1; references[0] = 2;
        node_of[0] = 0; node_of[1] = 0; expected[0] = 1; expected[1] = 1;
        exists[0] = true; exists[1] = true;
        run writer(0, 10); run writer(1, 20); run cloner()
    }
    (_nr_pr == 1);
    byte tree = 0;
    do
    :: tree == TREES -> break
    :: else ->
        assert(!exists[tree] || content[node_of[tree]] == expected[tree]);
        tree++
    od
}
