// What browsers and node share: events, abort signals, structuredClone, performance.

import { className, now } from 'internal:binding';
import { isTypedArrayName } from './inspect.js';

const ORIGIN = 1700000000000000;

export class Event {
  constructor(type, options = {}) {
    this.type = String(type);
    this.cancelable = Boolean(options.cancelable);
    this.bubbles = Boolean(options.bubbles);
    this.defaultPrevented = false;
    this.target = null;
    this.currentTarget = null;
    this.timeStamp = (now() - ORIGIN) / 1000;
  }

  preventDefault() {
    this.defaultPrevented = this.cancelable;
  }

  stopPropagation() {}

  stopImmediatePropagation() {
    this.stopped = true;
  }
}

export class CustomEvent extends Event {
  constructor(type, options = {}) {
    super(type, options);
    this.detail = options.detail ?? null;
  }
}

export class EventTarget {
  #listeners = new Map();

  addEventListener(type, listener, options = {}) {
    const list = this.#listeners.get(type) ?? [];
    if (!list.some((entry) => entry.listener === listener)) list.push({ listener, once: Boolean(options.once) });
    this.#listeners.set(type, list);
  }

  removeEventListener(type, listener) {
    this.#listeners.set(
      type,
      (this.#listeners.get(type) ?? []).filter((entry) => entry.listener !== listener),
    );
  }

  dispatchEvent(event) {
    event.target = this;
    event.currentTarget = this;
    const handler = this[`on${event.type}`];
    if (typeof handler === 'function') handler.call(this, event);
    for (const { listener, once } of [...(this.#listeners.get(event.type) ?? [])]) {
      if (once) this.removeEventListener(event.type, listener);
      if (typeof listener === 'function') listener.call(this, event);
      else listener.handleEvent(event);
      if (event.stopped) break;
    }
    return !event.defaultPrevented;
  }
}

export class AbortSignal extends EventTarget {
  aborted = false;
  reason = undefined;
  onabort = null;

  static abort(reason) {
    const controller = new AbortController();
    controller.abort(reason);
    return controller.signal;
  }

  static timeout(delay) {
    const controller = new AbortController();
    const expire = () => controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
    globalThis.setTimeout(expire, delay).unref();
    return controller.signal;
  }

  static any(signals) {
    const controller = new AbortController();
    for (const signal of signals) {
      if (signal.aborted) controller.abort(signal.reason);
      else signal.addEventListener('abort', () => controller.abort(signal.reason));
    }
    return controller.signal;
  }

  throwIfAborted() {
    if (this.aborted) throw this.reason;
  }
}

export class AbortController {
  signal = new AbortSignal();

  abort(reason = new DOMException('This operation was aborted', 'AbortError')) {
    if (this.signal.aborted) return;
    this.signal.aborted = true;
    this.signal.reason = reason;
    this.signal.dispatchEvent(new Event('abort'));
  }
}

function cannotClone(value) {
  const text =
    typeof value === 'symbol'
      ? String(value)
      : typeof value === 'function'
        ? Function.prototype.toString.call(value)
        : `#<${value.constructor?.name ?? 'Object'}>`;
  return new DOMException(`${text} could not be cloned.`, 'DataCloneError');
}

export function structuredClone(value, options) {
  const copies = new Map();
  for (const buffer of options?.transfer ?? []) {
    if (className(buffer) === 'ArrayBuffer') copies.set(buffer, buffer.transfer());
  }
  return clone(value, copies);
}

function clone(value, copies) {
  if (typeof value === 'symbol' || typeof value === 'function') throw cannotClone(value);
  if (typeof value !== 'object' || value === null) return value;
  if (copies.has(value)) return copies.get(value);
  const kind = className(value);
  const make = CLONERS[kind] ?? (isTypedArrayName(kind) ? cloneTyped : undefined);
  if (make !== undefined) return make(value, copies);
  if (['Promise', 'WeakMap', 'WeakSet', 'WeakRef', 'Generator', 'Proxy'].includes(kind)) throw cannotClone(value);
  return cloneProperties(value, Array.isArray(value) ? new Array(value.length) : {}, copies);
}

function cloneProperties(value, copy, copies) {
  copies.set(value, copy);
  for (const key of Object.keys(value)) copy[key] = clone(value[key], copies);
  return copy;
}

function cloneTyped(value, copies) {
  const buffer = clone(value.buffer, copies);
  const copy = new globalThis[className(value)](buffer, value.byteOffset, value.length);
  copies.set(value, copy);
  return copy;
}

function cloneError(value, copies) {
  const types = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
  const copy = new (types[value.name] ?? Error)(value.message);
  copies.set(value, copy);
  Object.defineProperty(copy, 'stack', { value: value.stack, writable: true, configurable: true });
  if ('cause' in value)
    Object.defineProperty(copy, 'cause', { value: clone(value.cause, copies), writable: true, configurable: true });
  return copy;
}

const CLONERS = {
  Date: (value) => new Date(value.getTime()),
  RegExp: (value) => new RegExp(value.source, value.flags),
  Number: (value) => Object(value.valueOf()),
  String: (value) => Object(value.valueOf()),
  Boolean: (value) => Object(value.valueOf()),
  BigInt: (value) => Object(value.valueOf()),
  ArrayBuffer(value, copies) {
    const copy = value.slice(0);
    copies.set(value, copy);
    return copy;
  },
  Map(value, copies) {
    const copy = new Map();
    copies.set(value, copy);
    for (const [key, item] of value) copy.set(clone(key, copies), clone(item, copies));
    return copy;
  },
  Set(value, copies) {
    const copy = new Set();
    copies.set(value, copy);
    for (const item of value) copy.add(clone(item, copies));
    return copy;
  },
  Error: cloneError,
};

const entries = [];
const byName = (name, type) => entries.filter((entry) => entry.name === name && (!type || entry.entryType === type));

function clearEntries(type, name) {
  const kept = entries.filter((entry) => entry.entryType !== type || (name !== undefined && entry.name !== name));
  entries.splice(0, entries.length, ...kept);
}

class PerformanceEntry {
  constructor(name, entryType, startTime, duration, detail = null) {
    Object.assign(this, { name, entryType, startTime, duration, detail });
    entries.push(this);
  }
}

class PerformanceMark extends PerformanceEntry {}
class PerformanceMeasure extends PerformanceEntry {}


function markTime(name) {
  if (name === undefined) return undefined;
  const mark = byName(name, 'mark').at(-1);
  if (mark !== undefined) return mark.startTime;
  throw new DOMException(`The "${name}" performance mark has not been set`, 'SyntaxError');
}

export const performance = {
  timeOrigin: ORIGIN / 1000,
  now: () => (now() - ORIGIN) / 1000 + 20,
  mark: (name, options = {}) =>
    new PerformanceMark(`${name}`, 'mark', options.startTime ?? performance.now(), 0, options.detail),
  measure(name, start, end) {
    const options = typeof start === 'object' && start !== null ? start : { start, end };
    const timeOf = (mark, otherwise) => (typeof mark === 'number' ? mark : markTime(mark) ?? otherwise);
    const startTime = timeOf(options.start, 0);
    const duration = options.duration ?? timeOf(options.end, performance.now()) - startTime;
    return new PerformanceMeasure(`${name}`, 'measure', startTime, duration, options.detail);
  },
  clearMarks: (name) => clearEntries('mark', name),
  clearMeasures: (name) => clearEntries('measure', name),
  getEntries: () => [...entries],
  getEntriesByName: byName,
  getEntriesByType: (type) => entries.filter((entry) => entry.entryType === type),
  eventLoopUtilization: () => ({ idle: 0, active: 0, utilization: 0 }),
  timerify: (action) => action,
  toJSON: () => ({ timeOrigin: performance.timeOrigin }),
};

export class PerformanceObserver {
  observe() {}

  disconnect() {}
}
