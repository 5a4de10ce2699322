// Atomics for a single thread: plain operations, and a wait that only lets time pass.

import { advance } from 'internal:binding';

const update = (change) => (array, index, value) => {
  const before = array[index];
  array[index] = change(before, value);
  return before;
};

export const Atomics = {
  add: update((a, b) => a + b),
  sub: update((a, b) => a - b),
  and: update((a, b) => a & b),
  or: update((a, b) => a | b),
  xor: update((a, b) => a ^ b),
  exchange: update((a, b) => b),
  compareExchange(array, index, expected, value) {
    const before = array[index];
    if (before === expected) array[index] = value;
    return before;
  },
  load: (array, index) => array[index],
  store(array, index, value) {
    array[index] = value;
    return value;
  },
  isLockFree: (size) => size === 1 || size === 2 || size === 4 || size === 8,
  notify: () => 0,
  wait(array, index, value, timeout = Infinity) {
    if (array[index] !== value) return 'not-equal';
    // Nobody could wake the only thread: a wait without end is a deadlock.
    if (timeout === Infinity) for (;;) advance(1e6);
    advance(timeout * 1000);
    return 'timed-out';
  },
};
Object.defineProperty(Atomics, Symbol.toStringTag, { value: 'Atomics', configurable: true });
