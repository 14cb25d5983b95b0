// SPDX-License-Identifier: BSD-3-Clause
// Sections that are taken back, and structures that are whole at every instant: each operation is broken off behind
// many of its instructions in turn, as if the host had killed the member there, and looked at.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/tree.h"
#include "cpu/vcpu.h"
#include "memory/heap.h"
#include "memory/pages.h"
#include "tests/unit/fake_host.h"
#include "tests/unit/tables.h"
#include "thread/rollback.h"

#define STRIDE (getenv("CLADE_LONG") ? 7 : 197) // instructions from one to the next: a step takes microseconds

static sigjmp_buf death;
static long steps_left;

static void on_step(int signal)
{
    if (--steps_left <= 0)
        siglongjmp(death, 1);
}

static void trap_flag(bool on)
{
    if (on)
        __asm__ volatile("pushf; orq $0x100, (%%rsp); popf" : : : "memory", "cc");
    else
        __asm__ volatile("pushf; andq $~0x100, (%%rsp); popf" : : : "memory", "cc");
}

// As process/killed.c does it. How many locks guard something torn.
static int release_locks(struct vcpu *v)
{
    int torn = 0;

    rollback_all(v);
    for (u32 i = 0; i < v->held_count && i < LOCKS_HELD; i++) {
        struct lock *l = (struct lock *)(uintptr_t)v->held[i].lock;
        torn += l->holder && (v->held[i].state == HELD_TORN || v->held[i].state == HELD_TOO_MANY);
        l->holder = 0;
    }
    v->held_count = v->rollback_count = 0;
    return torn;
}

// Breaks the operation off behind its instruction number `step`. False: it came to its end.
static bool dies(void (*operation)(void), long step)
{
    struct sigaction old, action = {.sa_handler = on_step, .sa_flags = SA_NODEFER};
    volatile bool died = false;

    sigaction(SIGTRAP, &action, &old);
    steps_left = step;
    if (!sigsetjmp(death, 1)) {
        trap_flag(true);
        operation();
        trap_flag(false);
    } else {
        died = true;
    }
    sigaction(SIGTRAP, &old, NULL);
    check_equal(release_locks(vcpu_this()), 0);
    return died;
}

static void words_come_back(void)
{
    struct lock outer = LOCK_INIT, inner = LOCK_INIT;
    struct vcpu *v;
    u32 a = 1, b = 2;
    u8 c[3] = {3, 4, 5};

    fake_host_start();
    v = vcpu_this();
    rollback_acquire(&outer);
    for (; a < 4; a++)
        rollback_word(&a); // the oldest counts
    rollback_word(&c[1]);
    memset(c, 9, sizeof(c));
    rollback_acquire(&inner);
    rollback_word(&b);
    b = 7;
    lock_release(&inner); // that section is done
    check_equal(release_locks(v), 0);
    check_equal(a, 1);
    check_equal(b, 7);
    check(c[0] == 9 && c[1] == 4 && c[2] == 9);
    check(!outer.holder);
}

static void sections_end(void)
{
    struct lock one = LOCK_INIT, two = LOCK_INIT;
    struct vcpu *v;
    u64 a = 1, b = 1;

    fake_host_start();
    v = vcpu_this();
    lock_acquire_clean(&one);
    lock_acquire_clean(&two);
    rollback_begin(&one);
    rollback_begin(&two);
    rollback_word(&a);
    rollback_word(&b);
    a = b = 2;
    rollback_end(&one);
    rollback_end(&two);
    a = 3; // clean again
    rollback_begin(&two);
    rollback_word(&b);
    b = 3;
    check_equal(release_locks(v), 0);
    check_equal(a, 3);
    check_equal(b, 2);

    lock_acquire(&one); // under it nothing can be taken back
    rollback_begin(&one);
    rollback_word(&a);
    rollback_end(&one);
    check_equal(release_locks(v), 1);
    rollback_acquire(&one);
    for (u32 i = 0; i <= ROLLBACK_MAX; i++)
        rollback_word(&a);
    check_equal(release_locks(v), 1);
}

#define ITEMS 40

static struct item {
    struct tree_node node;
    u32 key;
} items[ITEMS];
static struct tree tree;
static struct lock tree_lock;
static u32 chosen;

static void item_insert(void)
{
    struct tree_node **link = &tree.root, *parent = NULL;

    rollback_acquire(&tree_lock);
    while (*link) {
        parent = *link;
        link = items[chosen].key < tree_entry(parent, struct item, node)->key ? &parent->left : &parent->right;
    }
    tree_insert(&tree, &items[chosen].node, parent, link);
    lock_release(&tree_lock);
}

static void item_remove(void)
{
    rollback_acquire(&tree_lock);
    tree_remove(&tree, &items[chosen].node);
    lock_release(&tree_lock);
}

// The number of nodes; the invariants of the tree hold. *out_black: how many black ones a path has.
static u32 tree_look(struct tree_node *n, const struct tree_node *parent, u32 *out_black)
{
    u32 left, right, count;

    *out_black = 1;
    if (!n)
        return 0;
    check(n->parent == parent && !(n->red && parent && parent->red));
    check(!n->left || tree_entry(n->left, struct item, node)->key < tree_entry(n, struct item, node)->key);
    check(!n->right || tree_entry(n->right, struct item, node)->key > tree_entry(n, struct item, node)->key);
    count = tree_look(n->left, n, &left) + tree_look(n->right, n, &right) + 1;
    check_equal(left, right);
    *out_black = left + !n->red;
    return count;
}

static void tree_of(u32 count)
{
    tree = (struct tree){.save = rollback_save};
    for (u32 i = 0; i < ITEMS; i++)
        items[i].key = i * 7919 % 1009;
    for (chosen = 0; chosen < count; chosen++)
        item_insert();
}

static void trees_are_whole(void)
{
    u32 black, count;

    fake_host_start();
    for (u32 victim = 2; victim < ITEMS; victim += 13) {
        for (long step = 1 + (long)victim, more = true; more; step += STRIDE) {
            tree_of(victim);
            chosen = victim;
            more = dies(item_insert, step);
            count = tree_look(tree.root, NULL, &black);
            check(count == victim + 1 || (more && count == victim));
        }
        for (long step = 1 + (long)victim, more = true; more; step += STRIDE) {
            tree_of(ITEMS);
            chosen = victim;
            more = dies(item_remove, step);
            count = tree_look(tree.root, NULL, &black);
            check(count == ITEMS - 1 || (more && count == ITEMS));
        }
    }
}

#define OBJECTS 160

struct object {
    u64 words[4];
};
static struct slab_cache object_cache = SLAB_CACHE("test_rollback", struct object);
static struct object *objects[OBJECTS]; // that somebody has
static u32 allocations, frees;

// What is in objects[] is no other's, before an object is freed and after one was allocated.
static void objects_change(void)
{
    for (u32 i = 0; i < allocations; i++)
        objects[i] = slab_alloc(&object_cache);
    for (u32 i = 0; i < frees; i++) {
        struct object *o = objects[i];
        objects[i] = NULL;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        slab_free(&object_cache, o);
    }
}

// So that the page pool gives pages without a search: in one it can't be broken off.
static void pages_ahead(void)
{
    void *pages[8];

    for (u32 i = 0; i < array_count(pages); i++)
        pages[i] = pages_alloc(1);
    for (u32 i = 0; i < array_count(pages); i++)
        pages_free(pages[i], 1);
}

// All that the cache gives out is different. (In a debug build it looks at what it has, too.)
static void objects_look(void)
{
    for (u32 i = 0; i < OBJECTS; i++)
        if (!objects[i])
            objects[i] = slab_alloc(&object_cache);
    for (u32 i = 0; i < OBJECTS; i++)
        memset(objects[i], (int)i + 1, sizeof(*objects[i]));
    for (u32 i = 0; i < OBJECTS; i++) {
        check_equal(objects[i]->words[0], (i + 1) * 0x0101010101010101ull);
        check_equal(objects[i]->words[3], (i + 1) * 0x0101010101010101ull);
    }
    for (u32 i = 0; i < OBJECTS; i++) {
        slab_free(&object_cache, objects[i]);
        objects[i] = NULL;
    }
    pages_ahead();
}

static void slabs_are_whole(void)
{
    fake_host_start();
    objects_look();
    for (allocations = 1; allocations < 10; allocations = allocations * 4 + 3) {
        frees = allocations;
        for (long step = 1, more = true; more; step += STRIDE * (long)allocations) {
            more = dies(objects_change, step);
            objects_look();
        }
    }
}

const struct unit_test rollback_tests[] = {
    TEST(words_come_back), TEST(sections_end), TEST(trees_are_whole), TEST(slabs_are_whole), {0},
};
