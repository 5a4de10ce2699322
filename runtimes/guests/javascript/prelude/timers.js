// setTimeout and its family, and the module 'timers'.

import { invalidArgument } from './errors.js';
import { inspect } from './inspect.js';
import { addImmediate, addTimer, hasTimer, removeImmediate, removeTimer } from './loop.js';

const LONGEST = 2 ** 31 - 1;
const promisifyCustom = Symbol.for('nodejs.util.promisify.custom');
let count = 0;

function delayOf(delay) {
  const number = Number(delay);
  return number >= 1 && number <= LONGEST ? Math.trunc(number) : 1;
}

function checkCallback(callback) {
  if (typeof callback === 'function') return;
  throw invalidArgument('callback', 'of type function', callback);
}

const hidden = (value) => ({ value, writable: true });
const HIDDEN = {
  id: hidden(0),
  active: hidden(true),
  due: hidden(0),
  order: hidden(0),
  run: hidden(undefined),
  delay: hidden(0),
  repeat: hidden(undefined),
};

class Timeout {
  constructor(callback, delay, values, repeats) {
    Object.defineProperties(this, HIDDEN);
    this.id = ++count;
    this.run = () => callback.apply(this, values);
    this.delay = delay;
    this.repeat = repeats ? delay : undefined;
    addTimer(this, delay);
  }

  ref() {
    this.active = true;
    return this;
  }

  unref() {
    this.active = false;
    return this;
  }

  hasRef() {
    return this.active;
  }

  refresh() {
    if (hasTimer(this.id)) addTimer(this, this.delay);
    return this;
  }

  close() {
    removeTimer(this.id);
    return this;
  }

  [Symbol.toPrimitive]() {
    return this.id;
  }

  [Symbol.dispose ?? Symbol.for('dispose')]() {
    this.close();
  }
}

class Immediate {
  constructor(callback, values) {
    Object.defineProperty(this, 'id', { value: addImmediate(() => callback.apply(this, values), []) });
  }

  ref() {
    return this;
  }

  unref() {
    return this;
  }

  hasRef() {
    return true;
  }
}

export function setTimeout(callback, delay, ...values) {
  checkCallback(callback);
  return new Timeout(callback, delayOf(delay), values, false);
}

export function setInterval(callback, delay, ...values) {
  checkCallback(callback);
  return new Timeout(callback, delayOf(delay), values, true);
}

export function setImmediate(callback, ...values) {
  checkCallback(callback);
  return new Immediate(callback, values);
}

export function clearTimeout(timer) {
  if (timer instanceof Timeout) timer.repeat = undefined;
  if (timer !== undefined && timer !== null) removeTimer(timer instanceof Timeout ? timer.id : timer);
}

export function clearInterval(timer) {
  clearTimeout(timer);
}

export function clearImmediate(immediate) {
  if (immediate instanceof Immediate) removeImmediate(immediate.id);
}

function aborted(signal) {
  const error = new Error('The operation was aborted', { cause: signal.reason });
  error.name = 'AbortError';
  error.code = 'ABORT_ERR';
  return error;
}

// The module 'timers/promises'.
export const promises = {
  setTimeout(delay, value, { signal } = {}) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(aborted(signal));
      const timer = setTimeout(resolve, delay, value);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(aborted(signal));
      });
      return undefined;
    });
  },
  setImmediate(value) {
    return new Promise((resolve) => setImmediate(resolve, value));
  },
  async *setInterval(delay, value) {
    for (;;) yield promises.setTimeout(delay, value);
  },
  scheduler: {
    wait: (delay, options) => promises.setTimeout(delay, undefined, options),
    yield: () => promises.setImmediate(),
  },
};

Object.defineProperty(setTimeout, promisifyCustom, { value: (delay, value) => promises.setTimeout(delay, value) });
Object.defineProperty(setImmediate, promisifyCustom, { value: (value) => promises.setImmediate(value) });

export const timers = {
  setTimeout,
  setInterval,
  setImmediate,
  clearTimeout,
  clearInterval,
  clearImmediate,
  promises,
};
