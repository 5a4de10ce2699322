// Readable streams: what is pushed is kept until read() takes it, by the rules and at the moments of node's.

import { Buffer } from './buffer.js';
import { StringDecoder } from './encodings.js';
import { codedError, invalidArgument } from './errors.js';
import { EventEmitter } from './events.js';
import { addTick } from './loop.js';
import { connect } from './stream_pipes.js';
import { destroy, fail, hide, Stream } from './stream_base.js';

const later = (action, ...values) => addTick(action, values);

export function readableState(options = {}) {
  const objectMode = Boolean(options.readableObjectMode ?? options.objectMode);
  return {
    objectMode,
    highWaterMark: options.readableHighWaterMark ?? options.highWaterMark ?? (objectMode ? 16 : 65536),
    buffer: [],
    length: 0,
    flowing: null,
    paused: false,
    reading: false,
    sync: true,
    ended: false,
    endEmitted: false,
    needReadable: false,
    emittedReadable: false,
    readableListening: false,
    resumeScheduled: false,
    readingMore: false,
    decoder: options.encoding ? new StringDecoder(options.encoding) : undefined,
  };
}

export function Readable(options) {
  if (!(this instanceof Readable)) return new Readable(options);
  Stream.call(this, options);
  hide(this, '_readableState', readableState(options));
  if (typeof options?.read === 'function') this._read = options.read;
}

Object.setPrototypeOf(Readable.prototype, Stream.prototype);
Object.setPrototypeOf(Readable, Stream);

const sizeOf = (state, chunk) => (state.objectMode ? 1 : chunk.length);

function normalized(stream, state, chunk, encoding) {
  if (state.objectMode) return chunk;
  if (typeof chunk === 'string') {
    if (state.decoder && (encoding ?? 'utf8') === state.decoder.encoding) return chunk;
    const bytes = Buffer.from(chunk, encoding);
    return state.decoder ? state.decoder.write(bytes) : bytes;
  }
  if (!(chunk instanceof Uint8Array)) {
    fail(stream, invalidArgument('chunk', 'of type string or an instance of Buffer or Uint8Array', chunk));
    return undefined;
  }
  const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return state.decoder ? state.decoder.write(bytes) : bytes;
}

function atEnd(stream, state) {
  if (state.ended) return;
  const rest = state.decoder?.end();
  if (rest) {
    state.buffer.push(rest);
    state.length += sizeOf(state, rest);
  }
  state.ended = true;
  if (state.sync) {
    announce(stream, state);
    return;
  }
  state.needReadable = false;
  state.emittedReadable = true;
  emitReadable(stream, state);
}

function addChunk(stream, state, chunk, atFront) {
  if (state.flowing && state.length === 0 && !state.sync && stream.listenerCount('data') > 0) {
    stream.emit('data', chunk);
  } else {
    state.length += sizeOf(state, chunk);
    if (atFront) state.buffer.unshift(chunk);
    else state.buffer.push(chunk);
    if (state.needReadable) announce(stream, state);
  }
  readMore(stream, state);
}

function announce(stream, state) {
  state.needReadable = false;
  if (state.emittedReadable) return;
  state.emittedReadable = true;
  later(emitReadable, stream, state);
}

function emitReadable(stream, state) {
  if (!stream.destroyed && !stream.errored && (state.length > 0 || state.ended)) {
    stream.emit('readable');
    state.emittedReadable = false;
  }
  state.needReadable = !state.flowing && !state.ended && state.length <= state.highWaterMark;
  flow(stream, state);
}

function readMore(stream, state) {
  if (state.readingMore) return;
  state.readingMore = true;
  later(() => {
    while (
      !state.reading &&
      !state.ended &&
      (state.length < state.highWaterMark || (state.flowing && state.length === 0))
    ) {
      const before = state.length;
      stream.read(0);
      if (before === state.length) break;
    }
    state.readingMore = false;
  });
}

export function flow(stream, state) {
  while (state.flowing && stream.read() !== null);
}

// How many units a read of so many gives; NaN means all.
function available(state, wanted) {
  if (wanted <= 0 || (state.length === 0 && state.ended)) return 0;
  if (state.objectMode) return 1;
  if (Number.isNaN(wanted)) return state.flowing && state.length > 0 ? state.buffer[0].length : state.length;
  if (wanted <= state.length) return wanted;
  return state.ended ? state.length : 0;
}

function taken(state, count) {
  if (state.length === 0) return null;
  if (state.objectMode) return state.buffer.shift();
  const isAll = count >= state.length;
  const parts = isAll ? state.buffer.splice(0) : [];
  for (let missing = isAll ? 0 : count; missing > 0;) {
    const chunk = state.buffer[0];
    parts.push(chunk.slice(0, missing));
    if (chunk.length > missing) state.buffer[0] = chunk.slice(missing);
    else state.buffer.shift();
    missing -= Math.min(missing, chunk.length);
  }
  if (parts.length === 1) return parts[0];
  return typeof parts[0] === 'string' ? parts.join('') : Buffer.concat(parts);
}

function callRead(stream, state) {
  state.reading = true;
  state.sync = true;
  if (state.length === 0) state.needReadable = true;
  try {
    stream._read(state.highWaterMark);
  } catch (error) {
    fail(stream, error);
  }
  state.sync = false;
}

function endReadable(stream, state) {
  if (state.endEmitted) return;
  state.ended = true;
  later(() => {
    if (stream.errored || stream.closed || state.endEmitted || state.length > 0) return;
    state.endEmitted = true;
    stream.emit('end');
    const writing = stream._writableState;
    if (writing && stream.allowHalfOpen === false) later(() => !writing.ending && stream.end());
    else if (stream.autoDestroy && (!writing || writing.finished)) stream.destroy();
  });
}

Object.assign(Readable.prototype, {
  _read() {
    throw codedError(Error, 'ERR_METHOD_NOT_IMPLEMENTED', 'The _read() method is not implemented');
  },
  push(chunk, encoding) {
    return this._add(chunk, encoding, false);
  },
  unshift(chunk, encoding) {
    return this._add(chunk, encoding, true);
  },
  _add(chunk, encoding, atFront) {
    const state = this._readableState;
    if (!atFront) state.reading = false;
    if (chunk === null) {
      atEnd(this, state);
      return false;
    }
    if (state.ended && !atFront) {
      fail(this, codedError(Error, 'ERR_STREAM_PUSH_AFTER_EOF', 'stream.push() after EOF'));
      return false;
    }
    const piece = normalized(this, state, chunk, encoding);
    if (piece === undefined) return false;
    if (state.objectMode || piece.length > 0) addChunk(this, state, piece, atFront);
    else if (!atFront) readMore(this, state);
    return !state.ended && (state.length < state.highWaterMark || state.length === 0);
  },
  read(size) {
    const state = this._readableState;
    const wanted = size === undefined ? NaN : Math.trunc(size);
    if (wanted !== 0) state.emittedReadable = false;
    const isFull = state.highWaterMark === 0 ? state.length > 0 : state.length >= state.highWaterMark;
    if (wanted === 0 && state.needReadable && (isFull || state.ended)) {
      if (state.length === 0 && state.ended) endReadable(this, state);
      else announce(this, state);
      return null;
    }
    let count = available(state, wanted);
    if (count === 0 && state.ended) {
      if (state.length === 0) endReadable(this, state);
      return null;
    }
    const wantsMore = state.needReadable || state.length === 0 || state.length - count < state.highWaterMark;
    if (wantsMore && !state.ended && !state.reading && !this.destroyed) {
      callRead(this, state);
      if (!state.reading) count = available(state, wanted);
    }
    const result = count > 0 ? taken(state, count) : null;
    if (result === null) {
      state.needReadable = state.length <= state.highWaterMark;
      count = 0;
    } else {
      state.length -= count;
    }
    if (state.length === 0) {
      if (!state.ended) state.needReadable = true;
      if (wanted !== count && state.ended) endReadable(this, state);
    }
    if (result !== null && !this.errored && !this.closed) this.emit('data', result);
    return result;
  },
  on(event, listener) {
    EventEmitter.prototype.on.call(this, event, listener);
    const state = this._readableState;
    if (event === 'data') {
      state.readableListening = this.listenerCount('readable') > 0;
      if (state.flowing !== false) this.resume();
    } else if (event === 'readable' && !state.endEmitted && !state.readableListening) {
      state.readableListening = true;
      state.needReadable = true;
      state.flowing = false;
      state.emittedReadable = false;
      if (state.length > 0) announce(this, state);
      else if (!state.reading) later(() => this.read(0));
    }
    return this;
  },
  removeListener(event, listener) {
    EventEmitter.prototype.removeListener.call(this, event, listener);
    if (event === 'readable') {
      later(() => {
        const state = this._readableState;
        state.readableListening = this.listenerCount('readable') > 0;
        if (state.resumeScheduled && !state.paused) state.flowing = true;
        else if (this.listenerCount('data') > 0) this.resume();
        else if (!state.readableListening) state.flowing = null;
      });
    }
    return this;
  },
  resume() {
    const state = this._readableState;
    if (!state.flowing) {
      state.flowing = !state.readableListening;
      if (!state.resumeScheduled) {
        state.resumeScheduled = true;
        later(() => {
          if (!state.reading) this.read(0);
          state.resumeScheduled = false;
          this.emit('resume');
          flow(this, state);
          if (state.flowing && !state.reading) this.read(0);
        });
      }
    }
    state.paused = false;
    return this;
  },
  pause() {
    const state = this._readableState;
    if (state.flowing !== false) {
      state.flowing = false;
      this.emit('pause');
    }
    state.paused = true;
    return this;
  },
  isPaused() {
    return this._readableState.paused || this._readableState.flowing === false;
  },
  setEncoding(encoding) {
    const state = this._readableState;
    state.decoder = new StringDecoder(encoding);
    const text = state.buffer.map((chunk) => state.decoder.write(chunk)).join('');
    state.buffer = text ? [text] : [];
    state.length = text.length;
    return this;
  },
  pipe(target, options) {
    return connect(this, target, options);
  },
  unpipe(target) {
    for (const [other, cut] of this._pipes ?? []) if (target === undefined || other === target) cut();
    return this;
  },
  destroy,
  wrap() {
    return this;
  },
});
Readable.prototype.addListener = Readable.prototype.on;
Readable.prototype.off = Readable.prototype.removeListener;

const GETTERS = {
  readable: (state, stream) => !stream.destroyed && !stream.errored && !state.endEmitted,
  readableFlowing: (state) => state.flowing,
  readableEnded: (state) => state.endEmitted,
  readableLength: (state) => state.length,
  readableObjectMode: (state) => state.objectMode,
  readableHighWaterMark: (state) => state.highWaterMark,
  readableEncoding: (state) => state.decoder?.encoding ?? null,
  readableAborted: (state, stream) => Boolean(stream.destroyed && !state.endEmitted),
};
for (const [name, value] of Object.entries(GETTERS)) {
  Object.defineProperty(Readable.prototype, name, {
    configurable: true,
    get() {
      return value(this._readableState, this);
    },
  });
}
