// SPDX-License-Identifier: BSD-3-Clause
// Trees (against a sorted array, invariants after every step), lists, bitmaps, hashes, CRC-32C.
#include <string.h>

#include "base/bitmap.h"
#include "base/crc32c.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/tree.h"
#include "tests/unit/tables.h"

struct item {
    struct tree_node node;
    u32 key;
    bool in;
};

static struct item *item_of(const struct tree_node *n)
{
    return (struct item *)(uintptr_t)n; // node is the first member
}

static void insert(struct tree *t, struct item *item)
{
    struct tree_node **link = &t->root, *parent = NULL;

    while (*link) {
        parent = *link;
        link = item->key < item_of(parent)->key ? &parent->left : &parent->right;
    }
    tree_insert(t, &item->node, parent, link);
    item->in = true;
}

// The black height of a subtree; fails the test where an invariant is broken.
static int check_subtree(const struct tree_node *n, const struct tree_node *parent)
{
    if (!n)
        return 1;
    check(n->parent == parent);
    check(!(n->red && parent && parent->red));
    int left = check_subtree(n->left, n), right = check_subtree(n->right, n);
    check_equal(left, right);
    return left + !n->red;
}

static void check_tree(const struct tree *t, const struct item *items, u32 count)
{
    check(!t->root || !t->root->red);
    check_subtree(t->root, NULL);
    struct tree_node *n = tree_first(t);
    const struct tree_node *last = NULL;
    for (u32 i = 0; i < count; i++) {
        if (!items[i].in)
            continue;
        check(n == &items[i].node);
        if (!n)
            return;
        check(tree_previous(n) == last);
        last = n;
        n = tree_next(n);
    }
    check(!n);
    check(tree_last(t) == last);
}

static void tree_keeps_order_and_balance(void)
{
    static struct item items[200];
    struct tree t = {NULL};

    memset(items, 0, sizeof(items));
    for (u32 i = 0; i < array_count(items); i++)
        items[i].key = i;
    check_tree(&t, items, array_count(items));
    for (int step = 0; step < 4000; step++) {
        struct item *item = &items[unit_random() % array_count(items)];
        if (item->in)
            tree_remove(&t, &item->node);
        else
            insert(&t, item);
        item->in = t.root && (item->node.parent || t.root == &item->node);
        check_tree(&t, items, array_count(items));
    }
    while (t.root) {
        struct item *item = item_of(t.root);
        tree_remove(&t, t.root);
        item->in = false;
        check_tree(&t, items, array_count(items));
    }
}

static void tree_sorted_insertion_is_shallow(void)
{
    static struct item items[1023];
    struct tree t = {NULL};

    for (u32 i = 0; i < array_count(items); i++) {
        items[i].key = i;
        insert(&t, &items[i]);
    }
    int depth = 0;
    for (struct tree_node *n = tree_last(&t); n; n = n->parent)
        depth++;
    check(depth <= 20); // 2 log2(n + 1)
    check_tree(&t, items, array_count(items));
}

struct element {
    int value;
    struct list node;
};

static void list_order_and_removal(void)
{
    struct element e[4] = {{.value = 0}, {.value = 1}, {.value = 2}, {.value = 3}}, *it, *tmp;
    struct list l = LIST_INIT(l);
    int sum = 0;

    check(list_empty(&l));
    check(!list_pop_front(&l));
    list_push_back(&l, &e[1].node);
    list_push_back(&l, &e[2].node);
    list_push_front(&l, &e[0].node);
    list_push_back(&l, &e[3].node);
    list_for_each(it, &l, node) sum = sum * 10 + it->value;
    check_equal(sum, 123);
    list_for_each_safe(it, tmp, &l, node) if (it->value % 2) list_remove(&it->node);
    list_remove(&e[1].node); // twice is harmless
    check(list_first(&l, struct element, node) == &e[0]);
    check(list_pop_front(&l) == &e[0].node);
    check(list_pop_front(&l) == &e[2].node);
    check(list_empty(&l));
}

static void bitmap_finds(void)
{
    u64 map[BITMAP_WORDS(150)] = {0};

    check_equal(array_count(map), 3);
    check_equal(bitmap_find_set(map, 150, 0), 150);
    check_equal(bitmap_find_clear(map, 150, 7), 7);
    for (size_t i = 0; i < 150; i++)
        bitmap_set(map, i);
    check_equal(bitmap_find_clear(map, 150, 0), 150); // bits 150.. are clear, and not asked for
    check_equal(bitmap_find_set(map, 150, 149), 149);
    bitmap_clear(map, 64);
    bitmap_clear(map, 149);
    check(!bitmap_test(map, 64));
    check(bitmap_test(map, 63));
    check_equal(bitmap_find_clear(map, 150, 0), 64);
    check_equal(bitmap_find_clear(map, 150, 65), 149);
    check_equal(bitmap_find_clear(map, 150, 150), 150);
}

static void hash_spreads(void)
{
    u32 buckets[64] = {0};

    for (u64 i = 0; i < 64 * 64; i++)
        buckets[hash_u64(i * 4096) % 64]++;
    for (u32 i = 0; i < 64; i++)
        check(buckets[i] > 20 && buckets[i] < 120);
    check(hash_bytes("ab", 2, 0) != hash_bytes("ba", 2, 0));
    check(hash_bytes("", 0, 1) != hash_bytes("", 0, 2));
}

static void crc32c_known_answer(void)
{
    check_equal(~crc32c(~0u, "123456789", 9), 0xe3069283u); // RFC 3720, B.4 and the CRC catalogue
    u8 zeros[32] = {0};
    check_equal(~crc32c(~0u, zeros, 32), 0x8a9136aau);
}

const struct unit_test container_tests[] = {
    TEST(tree_keeps_order_and_balance),
    TEST(tree_sorted_insertion_is_shallow),
    TEST(list_order_and_removal),
    TEST(bitmap_finds),
    TEST(hash_spreads),
    TEST(crc32c_known_answer),
    {0},
};
