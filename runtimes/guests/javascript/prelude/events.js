// The module 'events'.

import { codedError, invalidArgument } from './errors.js';
import { inspect } from './inspect.js';

const describe = (value) => (value === undefined || value === null ? String(value) : inspect(value));

function checkListener(listener) {
  if (typeof listener !== 'function') throw invalidArgument('listener', 'of type function', listener);
}

// Node shows these two on every emitter.
const shapeMode = Symbol('shapeMode');
const captures = Symbol('kCapture');
const errorMonitor = Symbol('events.errorMonitor');
const rejection = Symbol.for('nodejs.rejection');
const warned = Symbol('warned');

export function EventEmitter(options) {
  EventEmitter.init.call(this, options);
}

EventEmitter.defaultMaxListeners = 10;
EventEmitter.errorMonitor = errorMonitor;
EventEmitter.captureRejectionSymbol = rejection;
EventEmitter.captureRejections = false;

EventEmitter.init = function init(options) {
  if (this._events === undefined || this._events === Object.getPrototypeOf(this)._events) {
    this._events = Object.create(null);
    this._eventsCount = 0;
  }
  this._maxListeners = this._maxListeners || undefined;
  this[shapeMode] = false;
  this[captures] = options?.captureRejections === true || (EventEmitter.captureRejections && !options);
};

function listOf(emitter, event) {
  if (emitter._events === undefined) EventEmitter.init.call(emitter);
  const entry = emitter._events[event];
  if (entry === undefined) return [];
  return typeof entry === 'function' ? [entry] : entry;
}

function store(emitter, event, list) {
  const had = emitter._events[event] !== undefined;
  if (list.length === 0) delete emitter._events[event];
  else emitter._events[event] = list.length === 1 ? list[0] : list;
  emitter._eventsCount += Number(list.length > 0) - Number(had);
}

function add(emitter, event, listener, first) {
  checkListener(listener);
  const list = listOf(emitter, event);
  if (emitter._events.newListener !== undefined) emitter.emit('newListener', event, listener.listener ?? listener);
  store(emitter, event, first ? [listener, ...list] : [...list, listener]);
  warnOfMany(emitter, event, list);
  return emitter;
}

function warnOfMany(emitter, event, list) {
  const most = emitter.getMaxListeners();
  if (most <= 0 || list.length < most || emitter[warned]?.has(event)) return;
  if (emitter[warned] === undefined)
    Object.defineProperty(emitter, warned, { value: new Set(), configurable: true, enumerable: false });
  emitter[warned].add(event);
  const count = `${list.length + 1} ${String(event)} listeners added to ${inspect(emitter, { depth: -1 })}`;
  const advice = 'Use emitter.setMaxListeners() to increase limit';
  const text = `Possible EventEmitter memory leak detected. ${count}. MaxListeners is ${most}. ${advice}`;
  process.emitWarning(text, 'MaxListenersExceededWarning');
}

// What an async listener rejects with is an event: the emitter's 'error', or what its own method makes of it.
function capture(emitter, result, event, values) {
  if (typeof result?.then !== 'function') return;
  result.then(undefined, (error) => {
    process.nextTick(() => {
      if (typeof emitter[rejection] === 'function') emitter[rejection](error, event, ...values);
      else emitter.emit('error', error);
    });
  });
}

function onceWrapper(emitter, event, listener) {
  checkListener(listener);
  const wrapper = function wrapper(...values) {
    emitter.removeListener(event, wrapper);
    return listener.apply(this, values);
  };
  wrapper.listener = listener;
  return wrapper;
}

function unhandledError(error) {
  if (error instanceof Error) return error;
  const failure = codedError(Error, 'ERR_UNHANDLED_ERROR', `Unhandled error. (${describe(error)})`);
  failure.context = error;
  return failure;
}

const methods = {
  emit(event, ...values) {
    if (event === 'error' && this._events?.[errorMonitor] !== undefined) this.emit(errorMonitor, ...values);
    const list = listOf(this, event);
    if (list.length === 0) {
      if (event === 'error') throw unhandledError(values[0]);
      return false;
    }
    for (const listener of [...list]) {
      const result = listener.apply(this, values);
      if (this[captures] && event !== 'error') capture(this, result, event, values);
    }
    return true;
  },
  on(event, listener) {
    return add(this, event, listener, false);
  },
  addListener(event, listener) {
    return add(this, event, listener, false);
  },
  prependListener(event, listener) {
    return add(this, event, listener, true);
  },
  once(event, listener) {
    return this.on(event, onceWrapper(this, event, listener));
  },
  prependOnceListener(event, listener) {
    return this.prependListener(event, onceWrapper(this, event, listener));
  },
  removeListener(event, listener) {
    const list = listOf(this, event);
    const index = list.findLastIndex((item) => item === listener || item.listener === listener);
    if (index < 0) return this;
    store(
      this,
      event,
      list.filter((_, position) => position !== index),
    );
    if (this._events.removeListener !== undefined) this.emit('removeListener', event, listener);
    return this;
  },
  off(event, listener) {
    return this.removeListener(event, listener);
  },
  removeAllListeners(event) {
    if (event === undefined) {
      this._events = Object.create(null);
      this._eventsCount = 0;
    } else {
      listOf(this, event);
      store(this, event, []);
    }
    return this;
  },
  listeners(event) {
    return listOf(this, event).map((listener) => listener.listener ?? listener);
  },
  rawListeners(event) {
    return [...listOf(this, event)];
  },
  listenerCount(event) {
    return listOf(this, event).length;
  },
  eventNames() {
    return this._events === undefined ? [] : Reflect.ownKeys(this._events);
  },
  setMaxListeners(count) {
    this._maxListeners = count;
    return this;
  },
  getMaxListeners() {
    return this._maxListeners ?? EventEmitter.defaultMaxListeners;
  },
};

Object.assign(EventEmitter.prototype, methods, { _events: undefined, _eventsCount: 0, _maxListeners: undefined });

// once(emitter, 'event') -> Promise of the event's values
export function once(emitter, event) {
  return new Promise((resolve, reject) => {
    const fail = (error) => {
      emitter.removeListener(event, succeed);
      reject(error);
    };
    const succeed = (...values) => {
      if (event !== 'error') emitter.removeListener?.('error', fail);
      resolve(values);
    };
    if (typeof emitter.addEventListener === 'function') {
      emitter.addEventListener(event, succeed, { once: true });
      return;
    }
    emitter.once(event, succeed);
    if (event !== 'error') emitter.once('error', fail);
  });
}

// on(emitter, 'event') -> async iterator over the events' values
export async function* on(emitter, event) {
  const waiting = [];
  let wake = () => {};
  let failure;
  emitter.on(event, (...values) => {
    waiting.push(values);
    wake();
  });
  emitter.on('error', (error) => {
    failure = error;
    wake();
  });
  for (;;) {
    while (waiting.length > 0) yield waiting.shift();
    if (failure !== undefined) throw failure;
    await new Promise((resolve) => {
      wake = resolve;
    });
  }
}

EventEmitter.EventEmitter = EventEmitter;
EventEmitter.once = once;
EventEmitter.on = on;
EventEmitter.listenerCount = (emitter, event) => emitter.listenerCount(event);
EventEmitter.setMaxListeners = () => {};
