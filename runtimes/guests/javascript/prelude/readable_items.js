// Readable streams as sequences: from() an iterable, `for await`, and methods like those of arrays.

import { invalidArgument } from './errors.js';
import { Readable } from './readable.js';

Readable.from = function from(items, options) {
  const isWhole = typeof items === 'string' || items instanceof Uint8Array;
  const iterable = isWhole ? [items] : items;
  const begin = iterable?.[Symbol.asyncIterator] ?? iterable?.[Symbol.iterator];
  if (typeof begin !== 'function') throw invalidArgument('iterable', 'an instance of Iterable', items);
  const iterator = begin.call(iterable);
  let isReading = false;
  const stream = new Readable({ objectMode: true, highWaterMark: 1, ...options });
  stream._read = () => {
    if (!isReading) deliver();
  };
  stream._destroy = (error, done) => {
    Promise.resolve(iterator.return?.()).then(
      () => done(error),
      (failure) => done(error ?? failure),
    );
  };
  async function deliver() {
    isReading = true;
    try {
      for (;;) {
        const step = iterator.next();
        const { value, done } = typeof step?.then === 'function' ? await step : step;
        if (done) {
          stream.push(null);
          return;
        }
        const item = typeof value?.then === 'function' ? await value : value;
        if (!stream.push(item)) break;
      }
      isReading = false;
    } catch (error) {
      stream.destroy(error);
    }
  }
  return stream;
};

async function* itemsOf(stream, { destroyOnReturn = true } = {}) {
  let wake = () => {};
  let failure;
  const next = () => wake();
  const failed = (error) => {
    failure = error;
    wake();
  };
  const listeners = { readable: next, end: next, close: next, error: failed };
  for (const [event, listener] of Object.entries(listeners)) stream.on(event, listener);
  let isWhole = false;
  try {
    for (;;) {
      const item = stream.destroyed ? null : stream.read();
      if (item !== null) {
        yield item;
        continue;
      }
      if (failure ?? stream.errored) throw failure ?? stream.errored;
      if (stream.readableEnded || stream.closed) break;
      await new Promise((resolve) => {
        wake = resolve;
      });
    }
    isWhole = true;
  } finally {
    for (const [event, listener] of Object.entries(listeners)) stream.removeListener(event, listener);
    if (isWhole ? stream.autoDestroy : destroyOnReturn) stream.destroy();
  }
}

const derived = (name, make) => {
  Readable.prototype[name] = function derive(...values) {
    return Readable.from(make(this, ...values));
  };
};

derived('map', async function* map(items, action) {
  for await (const item of items) yield await action(item, {});
});
derived('filter', async function* filter(items, test) {
  for await (const item of items) if (await test(item, {})) yield item;
});
derived('flatMap', async function* flatMap(items, action) {
  for await (const item of items) yield* await action(item, {});
});
derived('take', async function* take(items, count) {
  let left = count;
  if (left <= 0) return;
  for await (const item of items) {
    yield item;
    left -= 1;
    if (left <= 0) return;
  }
});
derived('drop', async function* drop(items, count) {
  let left = count;
  for await (const item of items) if (left-- <= 0) yield item;
});

Object.assign(Readable.prototype, {
  [Symbol.asyncIterator]() {
    return itemsOf(this);
  },
  iterator(options) {
    return itemsOf(this, options);
  },
  async toArray() {
    const all = [];
    for await (const item of this) all.push(item);
    return all;
  },
  async forEach(action) {
    for await (const item of this) await action(item, {});
  },
  async find(test) {
    for await (const item of this) if (await test(item, {})) return item;
    return undefined;
  },
  async some(test) {
    for await (const item of this) if (await test(item, {})) return true;
    return false;
  },
  async every(test) {
    for await (const item of this) if (!(await test(item, {}))) return false;
    return true;
  },
  async reduce(combine, ...start) {
    let total = start[0];
    let isFirst = start.length === 0;
    for await (const item of this) {
      total = isFirst ? item : await combine(total, item, {});
      isFirst = false;
    }
    if (isFirst) throw new TypeError('Reduce of an empty stream requires an initial value');
    return total;
  },
});
