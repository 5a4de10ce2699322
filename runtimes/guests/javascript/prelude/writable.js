// Writable streams: one chunk at a time goes to _write(), the others wait, by the rules and at the moments of node's.

import { Buffer } from './buffer.js';
import { codedError, invalidArgument } from './errors.js';
import { addTick } from './loop.js';
import { destroy, fail, hide, Stream } from './stream_base.js';

const later = (action, ...values) => addTick(action, values);
const nothing = () => {};

function writableState(options = {}) {
  const objectMode = Boolean(options.writableObjectMode ?? options.objectMode);
  return {
    objectMode,
    highWaterMark: options.writableHighWaterMark ?? options.highWaterMark ?? (objectMode ? 16 : 16384),
    decodeStrings: options.decodeStrings !== false,
    defaultEncoding: options.defaultEncoding ?? 'utf8',
    length: 0,
    buffered: [],
    writing: false,
    sync: true,
    corked: 0,
    pending: 0,
    needDrain: false,
    ending: false,
    ended: false,
    finalCalled: false,
    prefinished: false,
    finished: false,
    onFinish: [],
    after: undefined,
  };
}

export function Writable(options) {
  if (!(this instanceof Writable)) return new Writable(options);
  Stream.call(this, options);
  beWritable(this, options);
}

export function beWritable(stream, options) {
  hide(stream, '_writableState', writableState(options));
  if (typeof options?.write === 'function') stream._write = options.write;
  if (typeof options?.writev === 'function') stream._writev = options.writev;
  if (typeof options?.final === 'function') stream._final = options.final;
}

Object.setPrototypeOf(Writable.prototype, Stream.prototype);
Object.setPrototypeOf(Writable, Stream);
Object.defineProperty(Writable, Symbol.hasInstance, {
  value(object) {
    if (Function.prototype[Symbol.hasInstance].call(this, object)) return true;
    return this === Writable && Boolean(object?._writableState);
  },
});

function writeError(stream, state, chunk) {
  if (chunk === null) return codedError(TypeError, 'ERR_STREAM_NULL_VALUES', 'May not write null values to stream');
  if (!state.objectMode && typeof chunk !== 'string' && !(chunk instanceof Uint8Array))
    return invalidArgument('chunk', 'of type string or an instance of Buffer or Uint8Array', chunk);
  if (state.ending) return codedError(Error, 'ERR_STREAM_WRITE_AFTER_END', 'write after end');
  if (stream.destroyed)
    return codedError(Error, 'ERR_STREAM_DESTROYED', 'Cannot call write after a stream was destroyed');
  return undefined;
}

function perform(stream, state, [chunk, encoding, callback]) {
  const size = state.objectMode ? 1 : chunk.length;
  state.writing = true;
  state.sync = true;
  stream._write(chunk, encoding, (error) => written(stream, state, size, callback, error));
  state.sync = false;
}

function written(stream, state, size, callback, error) {
  if (!state.writing) {
    fail(stream, codedError(Error, 'ERR_MULTIPLE_CALLBACK', 'Callback called multiple times'));
    return;
  }
  state.writing = false;
  state.length -= size;
  if (error) {
    stream.errored ??= error;
    if (state.sync) later(writeFailed, stream, state, error, callback);
    else writeFailed(stream, state, error, callback);
    return;
  }
  const { sync } = state;
  if (state.buffered.length > 0) writeBuffered(stream, state);
  if (!sync) afterWrite(stream, state, [callback]);
  else if (state.after) state.after.push(callback);
  else {
    const callbacks = [callback];
    state.after = callbacks;
    later(() => {
      state.after = undefined;
      afterWrite(stream, state, callbacks);
    });
  }
}

function writeFailed(stream, state, error, callback) {
  state.pending -= 1;
  callback(error);
  for (const [, , other] of state.buffered.splice(0))
    other(codedError(Error, 'ERR_STREAM_DESTROYED', 'Cannot call write after a stream was destroyed'));
  fail(stream, error);
}

function afterWrite(stream, state, callbacks) {
  if (!state.ending && !stream.destroyed && state.length === 0 && state.needDrain) {
    state.needDrain = false;
    stream.emit('drain');
  }
  for (const callback of callbacks) {
    state.pending -= 1;
    callback(null);
  }
  finishMaybe(stream, state);
}

function writeBuffered(stream, state) {
  if (state.corked > 0 || stream.destroyed) return;
  if (stream._writev && state.buffered.length > 1) {
    const all = state.buffered.splice(0);
    const size = state.length;
    state.writing = true;
    state.sync = true;
    state.pending -= all.length - 1;
    const callback = (error) => all.forEach(([, , done]) => done(error));
    stream._writev(
      all.map(([chunk, encoding]) => ({ chunk, encoding })),
      (error) => written(stream, state, size, callback, error),
    );
    state.sync = false;
    return;
  }
  while (state.buffered.length > 0 && !state.writing) perform(stream, state, state.buffered.shift());
}

const isReadyToFinish = (stream, state) =>
  state.ending &&
  !stream.destroyed &&
  !stream.errored &&
  state.length === 0 &&
  state.buffered.length === 0 &&
  !state.finished &&
  !state.writing;

function finishMaybe(stream, state, sync) {
  if (!isReadyToFinish(stream, state)) return;
  prefinish(stream, state);
  if (state.pending > 0) return;
  state.pending += 1;
  const act = () => {
    if (isReadyToFinish(stream, state)) finish(stream, state);
    else state.pending -= 1;
  };
  if (sync) later(act);
  else act();
}

function prefinish(stream, state) {
  if (state.prefinished || state.finalCalled) return;
  if (typeof stream._final !== 'function') {
    state.prefinished = true;
    stream.emit('prefinish');
    return;
  }
  state.finalCalled = true;
  state.pending += 1;
  let isCalled = false;
  const done = (error) => {
    if (isCalled) return;
    isCalled = true;
    state.pending -= 1;
    if (error) {
      for (const callback of state.onFinish.splice(0)) callback(error);
      fail(stream, error);
    } else if (isReadyToFinish(stream, state)) {
      state.prefinished = true;
      stream.emit('prefinish');
      state.pending += 1;
      later(finish, stream, state);
    }
  };
  try {
    stream._final(done);
  } catch (error) {
    done(error);
  }
}

function finish(stream, state) {
  state.pending -= 1;
  state.finished = true;
  for (const callback of state.onFinish.splice(0)) callback();
  stream.emit('finish');
  const reading = stream._readableState;
  if (stream.autoDestroy && (!reading || reading.endEmitted)) stream.destroy();
}

const methods = {
  write(chunk, encoding, callback) {
    const state = this._writableState;
    const done = (typeof encoding === 'function' ? encoding : callback) ?? nothing;
    const error = writeError(this, state, chunk);
    if (error?.name === 'TypeError') throw error;
    if (error) {
      later(done, error);
      fail(this, error);
      return false;
    }
    let given = typeof encoding === 'string' ? encoding : state.defaultEncoding;
    let piece = chunk;
    if (!state.objectMode && state.decodeStrings && typeof chunk === 'string') piece = Buffer.from(chunk, given);
    if (piece instanceof Uint8Array && !state.objectMode) given = 'buffer';
    state.pending += 1;
    state.length += state.objectMode ? 1 : piece.length;
    const hasRoom = state.length < state.highWaterMark;
    if (!hasRoom) state.needDrain = true;
    if (state.writing || state.corked > 0 || this.errored) state.buffered.push([piece, given, done]);
    else perform(this, state, [piece, given, done]);
    return hasRoom && !this.errored && !this.destroyed;
  },
  end(chunk, encoding, callback) {
    const state = this._writableState;
    const done = [chunk, encoding, callback].find((value) => typeof value === 'function');
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function')
      this.write(chunk, typeof encoding === 'string' ? encoding : undefined);
    if (state.corked > 0) {
      state.corked = 1;
      this.uncork();
    }
    const { finished } = state;
    if (!this.errored && !state.ending) {
      state.ending = true;
      finishMaybe(this, state, true);
      state.ended = true;
    }
    if (done === undefined) return this;
    if (finished)
      later(done, codedError(Error, 'ERR_STREAM_ALREADY_FINISHED', 'Cannot call end after a stream was finished'));
    else if (this.errored) later(done, this.errored);
    else state.onFinish.push(done);
    return this;
  },
  cork() {
    this._writableState.corked += 1;
  },
  uncork() {
    const state = this._writableState;
    if (state.corked > 0) state.corked -= 1;
    if (state.corked === 0 && !state.writing && state.buffered.length > 0) writeBuffered(this, state);
  },
  setDefaultEncoding(encoding) {
    this._writableState.defaultEncoding = encoding;
    return this;
  },
  _write(chunk, encoding, callback) {
    if (!this._writev) throw codedError(Error, 'ERR_METHOD_NOT_IMPLEMENTED', 'The _write() method is not implemented');
    this._writev([{ chunk, encoding }], callback);
  },
};
function cannotBeRead() {
  fail(this, codedError(Error, 'ERR_STREAM_CANNOT_PIPE', 'Cannot pipe, not readable'));
}

const GETTERS = {
  writable: (state, stream) => !stream.destroyed && !stream.errored && !state.ending,
  writableEnded: (state) => state.ending,
  writableFinished: (state) => state.finished,
  writableLength: (state) => state.length,
  writableObjectMode: (state) => state.objectMode,
  writableHighWaterMark: (state) => state.highWaterMark,
  writableNeedDrain: (state, stream) => !stream.destroyed && !state.ending && state.needDrain,
  writableCorked: (state) => state.corked,
};

// Gives a class the methods of writing, and what can be asked about it.
export function addWriting(prototype) {
  Object.assign(prototype, methods);
  for (const [name, value] of Object.entries(GETTERS)) {
    Object.defineProperty(prototype, name, {
      configurable: true,
      get() {
        return value(this._writableState, this);
      },
    });
  }
}

addWriting(Writable.prototype);
Object.assign(Writable.prototype, { destroy, pipe: cannotBeRead });
