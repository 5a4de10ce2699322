// The standard streams, and the small part of the module 'stream' that programs use.

import { readBytes, write } from 'internal:binding';
import { Buffer } from './buffer.js';
import { StringDecoder } from './encodings.js';
import { EventEmitter } from './events.js';
import { addInput, addTick } from './loop.js';

const CHUNK = 65536;

// A source of chunks: `_read()` calls push(chunk), push(null) at the end.
class Readable extends EventEmitter {
  constructor(options = {}) {
    super();
    EventEmitter.init.call(this);
    const hidden = { queue: [], decoder: undefined, flowing: null, ended: false, scheduled: false, finished: false };
    Object.defineProperty(this, 'state', { value: hidden });
    this.objectMode = Boolean(options.objectMode);
    this.readable = true;
    if (options.read) this._read = options.read;
    if (options.encoding) this.setEncoding(options.encoding);
  }

  static from(items) {
    const iterator = items[Symbol.asyncIterator]?.() ?? items[Symbol.iterator]();
    return new Readable({
      objectMode: true,
      async read() {
        const { done, value } = await iterator.next();
        this.push(done ? null : value);
      },
    });
  }

  get readableFlowing() {
    return this.state.flowing;
  }

  get readableEnded() {
    return this.state.finished;
  }

  _read() {}

  push(chunk) {
    const { state } = this;
    if (chunk === null) state.ended = true;
    else state.queue.push(this.decoded(chunk));
    if (chunk === null && state.decoder) state.queue.push(state.decoder.end());
    this.schedule();
    return true;
  }

  decoded(chunk) {
    if (this.objectMode) return chunk;
    const bytes = typeof chunk === 'string' && !this.state.decoder ? Buffer.from(chunk) : chunk;
    return this.state.decoder ? this.state.decoder.write(bytes) : bytes;
  }

  setEncoding(encoding) {
    this.state.decoder = new StringDecoder(encoding);
    return this;
  }

  on(event, listener) {
    super.on(event, listener);
    if (event === 'data' && this.state.flowing !== false) this.resume();
    if (event === 'readable') this.start(false);
    return this;
  }

  addListener(event, listener) {
    return this.on(event, listener);
  }

  resume() {
    return this.start(true);
  }

  start(flowing) {
    this.state.flowing = flowing;
    this.schedule();
    return this;
  }

  pause() {
    this.state.flowing = false;
    this.state.paused = true;
    return this;
  }

  isPaused() {
    return this.state.flowing === false;
  }

  // Chunks arrive in the loop's poll phase, one a turn.
  schedule() {
    const { state } = this;
    if (state.scheduled || state.finished) return;
    if (state.flowing !== true && this.listenerCount('readable') === 0) return;
    state.scheduled = true;
    addInput(() => {
      state.scheduled = false;
      this.turn();
    });
  }

  turn() {
    const { state } = this;
    if (state.finished) return;
    if (state.flowing !== true) {
      this.offer();
      return;
    }
    if (state.queue.length === 0 && !state.ended) {
      this._read(CHUNK);
      if (state.queue.length === 0 && !state.ended) return;
    }
    const chunk = state.queue.shift();
    if (chunk !== undefined && (chunk.length !== 0 || this.objectMode)) this.emit('data', chunk);
    if (state.queue.length === 0 && state.ended) this.finish();
    else this.schedule();
  }

  // For listeners of 'readable': they call read().
  offer() {
    const { state } = this;
    if (this.listenerCount('readable') === 0) return;
    if (state.queue.length === 0 && !state.ended) this._read(CHUNK);
    if (state.queue.length === 0 && !state.ended) return;
    this.emit('readable');
    if (state.ended && state.queue.length === 0) this.finish();
    else if (state.queue.length === 0) this.schedule();
  }

  read(size) {
    const { state } = this;
    if (state.queue.length === 0 && !state.ended) this._read(CHUNK);
    if (state.queue.length === 0) {
      if (state.ended) this.schedule();
      return null;
    }
    if (this.objectMode) return state.queue.shift();
    const all = state.queue.splice(0).filter((chunk) => chunk.length > 0);
    if (all.length === 0) return null;
    const joined = typeof all[0] === 'string' ? all.join('') : Buffer.concat(all);
    if (size === undefined || size >= joined.length) return joined;
    state.queue.unshift(joined.slice(size));
    return joined.slice(0, size);
  }

  finish() {
    if (this.state.finished) return;
    this.state.finished = true;
    this.readable = false;
    addTick(() => {
      this.emit('end');
      addTick(() => this.emit('close'), []);
    }, []);
  }

  destroy(error) {
    if (this.destroyed) return this;
    this.destroyed = true;
    this.state.finished = true;
    addTick(() => {
      if (error) this.emit('error', error);
      this.emit('close');
    }, []);
    return this;
  }

  pipe(target) {
    this.on('data', (chunk) => target.write(chunk));
    this.on('end', () => target.isStandard || target.end());
    target.emit?.('pipe', this);
    return target;
  }

  unpipe() {
    return this;
  }

  unref() {
    return this;
  }

  ref() {
    return this;
  }

  async *[Symbol.asyncIterator]() {
    const waiting = [];
    let wake = () => {};
    this.on('data', (chunk) => {
      waiting.push(chunk);
      wake();
    });
    let isDone = false;
    this.on('end', () => {
      isDone = true;
      wake();
    });
    for (;;) {
      while (waiting.length > 0) yield waiting.shift();
      if (isDone) return;
      await new Promise((resolve) => {
        wake = resolve;
      });
    }
  }
}

class Writable extends EventEmitter {
  constructor(options = {}) {
    super();
    EventEmitter.init.call(this);
    this.writable = true;
    this.objectMode = Boolean(options.objectMode);
    this.decodeStrings = options.decodeStrings !== false;
    if (options.write) this._write = options.write;
    if (options.final) this._final = options.final;
  }

  write(chunk, encoding, callback) {
    const done = typeof encoding === 'function' ? encoding : callback;
    const text = typeof chunk === 'string' && this.decodeStrings && !this.objectMode ? Buffer.from(chunk) : chunk;
    this._write(text, typeof encoding === 'string' ? encoding : 'buffer', (error) => {
      if (error) this.emit('error', error);
      if (done) addTick(done, [error]);
    });
    return true;
  }

  end(chunk, encoding, callback) {
    if (typeof chunk === 'function') return this.end(undefined, undefined, chunk);
    if (chunk !== undefined && chunk !== null) this.write(chunk, encoding);
    this.writable = false;
    const finish = () =>
      addTick(() => {
        this.emit('finish');
        (typeof encoding === 'function' ? encoding : callback)?.();
        this.emit('close');
      }, []);
    if (this._final) this._final(finish);
    else finish();
    return this;
  }

  cork() {}

  uncork() {}

  setDefaultEncoding() {
    return this;
  }

  destroy() {
    return this;
  }
}

class Transform extends Readable {
  constructor(options = {}) {
    super(options);
    this.writable = true;
    if (options.transform) this._transform = options.transform;
    if (options.flush) this._flush = options.flush;
  }

  _transform(chunk, encoding, done) {
    done(null, chunk);
  }

  write(chunk, encoding, callback) {
    const bytes = typeof chunk === 'string' && !this.objectMode ? Buffer.from(chunk) : chunk;
    this._transform(bytes, typeof encoding === 'string' ? encoding : 'buffer', (error, result) => {
      if (error) this.emit('error', error);
      if (result !== undefined && result !== null) this.push(result);
      (typeof encoding === 'function' ? encoding : callback)?.(error);
    });
    return true;
  }

  end(chunk) {
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function') this.write(chunk);
    const finish = (error, result) => {
      if (result !== undefined && result !== null) this.push(result);
      addTick(() => this.emit('finish'), []);
      this.push(null);
    };
    if (this._flush) this._flush(finish);
    else finish();
    return this;
  }
}

function pipeline(...streams) {
  const callback = typeof streams.at(-1) === 'function' ? streams.pop() : () => {};
  for (const stream of streams) stream.on('error', callback);
  streams.at(-1).on('finish', () => callback());
  return streams.reduce((source, target) => source.pipe(target));
}

class StandardOutput extends Writable {
  constructor(stream) {
    super();
    this.isStandard = true;
    this.fd = stream + 1;
    this.writableLength = 0;
    this.writableHighWaterMark = 16384;
    Object.defineProperty(this, 'target', { value: stream });
  }

  write(chunk, encoding, callback) {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) throw badChunk(chunk);
    write(this.target, chunk);
    const done = typeof encoding === 'function' ? encoding : callback;
    if (done) addTick(done, []);
    return true;
  }

  end(chunk, encoding, callback) {
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function') this.write(chunk);
    const done = [chunk, encoding, callback].find((value) => typeof value === 'function');
    if (done) addTick(done, []);
    return this;
  }

  getColorDepth() {
    return 1;
  }

  hasColors() {
    return false;
  }
}

function badChunk(chunk) {
  const received =
    chunk === null ? 'null' : chunk === undefined ? 'undefined' : `type ${typeof chunk} (${String(chunk)})`;
  const expected = 'The "chunk" argument must be of type string or an instance of Buffer or Uint8Array.';
  return Object.assign(new TypeError(`${expected} Received ${received}`), { code: 'ERR_INVALID_ARG_TYPE' });
}

export const stdin = new Readable({
  read() {
    const bytes = readBytes(CHUNK);
    this.push(bytes.length > 0 ? Buffer.from(bytes.buffer) : null);
  },
});
stdin.fd = 0;
export const stdout = new StandardOutput(0);
export const stderr = new StandardOutput(1);

const PassThrough = class PassThrough extends Transform {};
const Duplex = Transform;
export const stream = Object.assign(
  function Stream() {
    EventEmitter.call(this);
  },
  {
    Readable,
    Writable,
    Transform,
    Duplex,
    PassThrough,
    pipeline,
    promises: {
      pipeline: (...streams) =>
        new Promise((resolve, reject) => {
          pipeline(...streams, (error) => (error ? reject(error) : resolve()));
        }),
    },
  },
);
