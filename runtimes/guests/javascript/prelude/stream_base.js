// What all streams share: the class Stream, their end by destroy(), and errors.

import { codedError } from './errors.js';
import { EventEmitter } from './events.js';
import { addTick } from './loop.js';

export function hide(object, name, value) {
  Object.defineProperty(object, name, { value, writable: true, configurable: true });
}

const STATE = { destroyed: false, closed: false, errored: null };

export function Stream(options) {
  EventEmitter.call(this, options);
  for (const [name, value] of Object.entries(STATE)) hide(this, name, value);
  hide(this, 'autoDestroy', options?.autoDestroy !== false);
  hide(this, 'emitsClose', options?.emitClose !== false);
  if (typeof options?.destroy === 'function') this._destroy = options.destroy;
  options?.signal?.addEventListener('abort', () => this.destroy(abortError(options.signal.reason)));
}

Object.setPrototypeOf(Stream.prototype, EventEmitter.prototype);
Object.setPrototypeOf(Stream, EventEmitter);
Stream.prototype._destroy = (error, done) => done(error);

export function abortError(cause) {
  const error = codedError(Error, 'ABORT_ERR', 'The operation was aborted');
  error.name = 'AbortError';
  if (cause !== undefined) hide(error, 'cause', cause);
  return error;
}

// A method of every stream: ends it at once; tells of it, and of the error, a little later.
export function destroy(error, callback) {
  if (this.destroyed) {
    callback?.(null);
    return this;
  }
  this.destroyed = true;
  if (error) this.errored ??= error;
  let isDone = false;
  this._destroy(error ?? null, (failure) => {
    if (isDone) return;
    isDone = true;
    if (failure) this.errored ??= failure;
    callback?.(failure);
    addTick(() => {
      if (failure && !this.errorEmitted) {
        hide(this, 'errorEmitted', true);
        this.emit('error', failure);
      }
      this.closed = true;
      if (this.emitsClose) this.emit('close');
    }, []);
  });
  return this;
}

export function fail(stream, error) {
  if (stream.destroyed || stream.errorEmitted) return;
  stream.errored ??= error;
  if (stream.autoDestroy) stream.destroy(error);
  else addTick(() => stream.emit('error', error), []);
}
