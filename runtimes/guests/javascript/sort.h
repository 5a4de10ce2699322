/* Sorting as node does. Array.prototype.sort is Tim Peters's merge sort, with the same comparisons in the same order.
 *
 * A comparison that contradicts itself, such as (a, b) => a > b, then leaves the same order as under node; and one that
 * does not is called less often than by the engine's quicksort. Included by engine.c only, behind the engine. */
#pragma once

#define FIRST_GALLOP 7
#define MAX_RUNS 48
/* Runs are at least half as long. */
#define FULL_RUN 64

typedef struct {
    size_t base, length;
} Run;

typedef struct {
    struct array_sort_context *context;
    ValueSlot *items, *spare;
    Run runs[MAX_RUNS];
    int run_count;
    ptrdiff_t gallop;
} Sorting;

static bool is_less(Sorting *sorting, const ValueSlot *a, const ValueSlot *b)
{
    return js_array_cmp_generic(a, b, sorting->context) < 0;
}

static void move(ValueSlot *to, const ValueSlot *from, size_t count)
{
    memmove(to, from, count * sizeof *to);
}

/* Puts the items from `sorted` on into the sorted ones before them. */
static void insert_items(Sorting *sorting, ValueSlot *items, size_t sorted, size_t count)
{
    for (size_t next = sorted ? sorted : 1; next < count; next++) {
        ValueSlot pivot = items[next];
        size_t left = 0, right = next;
        while (left < right) {
            size_t middle = left + (right - left) / 2;
            if (is_less(sorting, &pivot, &items[middle]))
                right = middle;
            else
                left = middle + 1;
        }
        move(items + left + 1, items + left, next - left);
        items[left] = pivot;
    }
}

/* How many items at the start rise already, or fall: those are turned round. */
static size_t count_run(Sorting *sorting, ValueSlot *items, size_t count)
{
    if (count < 2)
        return count;
    bool falls = is_less(sorting, &items[1], &items[0]);
    size_t length = 2;
    while (length < count && is_less(sorting, &items[length], &items[length - 1]) == falls)
        length++;
    for (size_t low = 0, high = length - 1; falls && low < high; low++, high--) {
        ValueSlot held = items[low];
        items[low] = items[high];
        items[high] = held;
    }
    return length;
}

/* Whether the place of the key lies behind an item: `right` for a place behind equal items, too. */
static bool is_behind(Sorting *sorting, const ValueSlot *key, const ValueSlot *item, bool right)
{
    return right ? !is_less(sorting, key, item) : is_less(sorting, item, key);
}

/* The key's place among sorted items, looked for in growing steps from a hint on. */
static size_t gallop_to(Sorting *sorting, const ValueSlot *key, const ValueSlot *items, size_t count, size_t hint,
                        bool right)
{
    size_t last = 0, step = 1, low, high;
    if (is_behind(sorting, key, &items[hint], right)) {
        size_t most = count - hint;
        while (step < most && is_behind(sorting, key, &items[hint + step], right)) {
            last = step;
            step = step * 2 + 1;
        }
        low = hint + last + 1;
        high = hint + (step < most ? step : most);
    } else {
        size_t most = hint + 1;
        while (step < most && !is_behind(sorting, key, &items[hint - step], right)) {
            last = step;
            step = step * 2 + 1;
        }
        low = hint + 1 - (step < most ? step : most);
        high = hint - last;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (is_behind(sorting, key, &items[middle], right))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Merges two neighbouring runs, of which the first is the shorter and lies in the spare items by then. */
static void merge_up(Sorting *sorting, ValueSlot *to, size_t first_count, ValueSlot *second, size_t second_count)
{
    ValueSlot *first = sorting->spare;
    move(first, to, first_count);
    *to++ = *second++;
    if (--second_count == 0 || first_count == 1)
        goto rest;
    for (;;) {
        ptrdiff_t first_wins = 0, second_wins = 0;
        while (first_wins < sorting->gallop && second_wins < sorting->gallop) {
            if (is_less(sorting, second, first)) {
                *to++ = *second++;
                second_wins++;
                first_wins = 0;
                if (--second_count == 0)
                    goto rest;
            } else {
                *to++ = *first++;
                first_wins++;
                second_wins = 0;
                if (--first_count == 1)
                    goto rest;
            }
        }
        sorting->gallop++;
        do {
            sorting->gallop -= sorting->gallop > 1;
            first_wins = (ptrdiff_t)gallop_to(sorting, second, first, first_count, 0, true);
            move(to, first, (size_t)first_wins);
            to += first_wins;
            first += first_wins;
            first_count -= (size_t)first_wins;
            if (first_count <= 1)
                goto rest;
            *to++ = *second++;
            if (--second_count == 0)
                goto rest;
            second_wins = (ptrdiff_t)gallop_to(sorting, first, second, second_count, 0, false);
            move(to, second, (size_t)second_wins);
            to += second_wins;
            second += second_wins;
            second_count -= (size_t)second_wins;
            if (second_count == 0)
                goto rest;
            *to++ = *first++;
            if (--first_count == 1)
                goto rest;
        } while (first_wins >= FIRST_GALLOP || second_wins >= FIRST_GALLOP);
        sorting->gallop++;
    }
rest:
    /* The last of the first run is greater than all of the second. */
    move(to, second, second_count);
    move(to + second_count, first, first_count);
}

/* The same from the end, where the second run is the shorter one. */
static void merge_down(Sorting *sorting, ValueSlot *first, size_t first_count, ValueSlot *second, size_t second_count)
{
    ValueSlot *spare = sorting->spare, *to = second + second_count; /* behind the place to fill */
    move(spare, second, second_count);
    *--to = first[--first_count];
    if (first_count == 0 || second_count == 1)
        goto rest;
    for (;;) {
        ptrdiff_t first_wins = 0, second_wins = 0;
        while (first_wins < sorting->gallop && second_wins < sorting->gallop) {
            if (is_less(sorting, &spare[second_count - 1], &first[first_count - 1])) {
                *--to = first[--first_count];
                first_wins++;
                second_wins = 0;
                if (first_count == 0)
                    goto rest;
            } else {
                *--to = spare[--second_count];
                second_wins++;
                first_wins = 0;
                if (second_count == 1)
                    goto rest;
            }
        }
        sorting->gallop++;
        do {
            sorting->gallop -= sorting->gallop > 1;
            size_t place = gallop_to(sorting, &spare[second_count - 1], first, first_count, first_count - 1, true);
            first_wins = (ptrdiff_t)(first_count - place);
            to -= first_wins;
            first_count = place;
            move(to, first + place, (size_t)first_wins);
            if (first_count == 0)
                goto rest;
            *--to = spare[--second_count];
            if (second_count == 1)
                goto rest;
            place = gallop_to(sorting, &first[first_count - 1], spare, second_count, second_count - 1, false);
            second_wins = (ptrdiff_t)(second_count - place);
            to -= second_wins;
            second_count = place;
            move(to, spare + place, (size_t)second_wins);
            if (second_count <= 1)
                goto rest;
            *--to = first[--first_count];
            if (first_count == 0)
                goto rest;
        } while (first_wins >= FIRST_GALLOP || second_wins >= FIRST_GALLOP);
        sorting->gallop++;
    }
rest:
    /* The first of the second run is less than all of the first. */
    move(to - first_count, first, first_count);
    move(to - first_count - second_count, spare, second_count);
}

static void merge_at(Sorting *sorting, int index)
{
    Run first = sorting->runs[index], second = sorting->runs[index + 1];
    sorting->runs[index].length += second.length;
    if (index + 3 == sorting->run_count)
        sorting->runs[index + 1] = sorting->runs[index + 2];
    sorting->run_count--;
    ValueSlot *a = sorting->items + first.base, *b = sorting->items + second.base;
    size_t in_place = gallop_to(sorting, b, a, first.length, 0, true);
    a += in_place;
    size_t a_count = first.length - in_place;
    if (a_count == 0)
        return;
    size_t b_count = gallop_to(sorting, &a[a_count - 1], b, second.length, second.length - 1, false);
    if (b_count == 0)
        return;
    if (a_count <= b_count)
        merge_up(sorting, a, a_count, b, b_count);
    else
        merge_down(sorting, a, a_count, b, b_count);
}

static size_t run_length(Sorting *sorting, int index)
{
    return sorting->runs[index].length;
}

/* Whether a run is shorter than the two before it together need. */
static bool is_balanced(Sorting *sorting, int index)
{
    return index < 2 || run_length(sorting, index - 2) > run_length(sorting, index - 1) + run_length(sorting, index);
}

/* Merges until the lengths of the runs fall fast enough, or until one is left. */
static void merge_runs(Sorting *sorting, bool all)
{
    while (sorting->run_count > 1) {
        int index = sorting->run_count - 2;
        bool is_unbalanced = all || !is_balanced(sorting, index + 1) || !is_balanced(sorting, index);
        if (is_unbalanced && index > 0 && run_length(sorting, index - 1) < run_length(sorting, index + 1))
            index--;
        else if (!is_unbalanced && run_length(sorting, index) > run_length(sorting, index + 1))
            break;
        merge_at(sorting, index);
    }
}

static size_t least_run(size_t count)
{
    size_t odd = 0;
    for (; count >= FULL_RUN; count >>= 1)
        odd |= count & 1;
    return count + odd;
}

static void engine_sort(JSContext *ctx, ValueSlot *items, size_t count, struct array_sort_context *context)
{
    Sorting sorting = { .context = context, .items = items, .gallop = FIRST_GALLOP };
    if (count > FULL_RUN / 2 && !(sorting.spare = js_malloc(ctx, (count / 2 + 1) * sizeof *items))) {
        context->exception = 1;
        return;
    }
    size_t least = least_run(count);
    for (size_t base = 0; base < count;) {
        size_t rest = count - base, length = count_run(&sorting, items + base, rest);
        if (length < least) {
            size_t forced = least < rest ? least : rest;
            insert_items(&sorting, items + base, length, forced);
            length = forced;
        }
        sorting.runs[sorting.run_count++] = (Run){ base, length };
        merge_runs(&sorting, false);
        base += length;
    }
    merge_runs(&sorting, true);
    js_free(ctx, sorting.spare);
}

/* Both hold the same places; those from `from` to `to` come out sorted in `sorted`. */
static void merge_sort(struct TA_sort_context *context, uint32_t *other, uint32_t *sorted, size_t from, size_t to)
{
    size_t middle = from + (to - from) / 2;
    if (middle - from > 1)
        merge_sort(context, sorted, other, from, middle);
    if (to - middle > 1)
        merge_sort(context, sorted, other, middle, to);
    for (size_t left = from, right = middle, next = from; next < to; next++) {
        bool is_left = right == to || (left < middle && js_TA_cmp_generic(&other[left], &other[right], context) <= 0);
        sorted[next] = other[is_left ? left++ : right++];
    }
}

/* Typed arrays with a comparison: node sorts these by halves. */
static void engine_sort_places(JSContext *ctx, uint32_t *places, size_t count, struct TA_sort_context *context)
{
    uint32_t *spare = js_malloc(ctx, count * sizeof *spare);
    if (!spare) {
        context->exception = 1;
        return;
    }
    memcpy(spare, places, count * sizeof *spare);
    merge_sort(context, spare, places, 0, count);
    js_free(ctx, spare);
}
