// A binary heap of [key, key, ...] entries, least first.

const isLess = (a, b) => (a[0] === b[0] ? a[1] < b[1] : a[0] < b[0]);

export function heapPush(heap, entry) {
  let index = heap.length;
  heap.push(entry);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!isLess(entry, heap[parent])) break;
    heap[index] = heap[parent];
    index = parent;
  }
  heap[index] = entry;
}

export function heapPop(heap) {
  const last = heap.pop();
  if (heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isLess(heap[child + 1], heap[child])) child += 1;
    if (!isLess(heap[child], last)) break;
    heap[index] = heap[child];
    index = child;
  }
  heap[index] = last;
}
