// Streams that read and write: Duplex, and Transform and PassThrough, whose one side feeds the other.

import { codedError } from './errors.js';
import { Readable } from './readable.js';
import { hide } from './stream_base.js';
import { addWriting, beWritable } from './writable.js';

export function Duplex(options) {
  if (!(this instanceof Duplex)) return new Duplex(options);
  Readable.call(this, options);
  beWritable(this, options);
  hide(this, 'allowHalfOpen', options?.allowHalfOpen !== false);
}

Object.setPrototypeOf(Duplex.prototype, Readable.prototype);
Object.setPrototypeOf(Duplex, Readable);
addWriting(Duplex.prototype);

export function Transform(options) {
  if (!(this instanceof Transform)) return new Transform(options);
  Duplex.call(this, options);
  this._readableState.sync = false;
  hide(this, '_waiting', undefined);
  if (typeof options?.transform === 'function') this._transform = options.transform;
  if (typeof options?.flush === 'function') this._flush = options.flush;
}

Object.setPrototypeOf(Transform.prototype, Duplex.prototype);
Object.setPrototypeOf(Transform, Duplex);
Object.assign(Transform.prototype, {
  _transform() {
    throw codedError(Error, 'ERR_METHOD_NOT_IMPLEMENTED', 'The _transform() method is not implemented');
  },
  _write(chunk, encoding, callback) {
    const reading = this._readableState;
    const before = reading.length;
    this._transform(chunk, encoding, (error, value) => {
      if (error) {
        callback(error);
        return;
      }
      if (value !== undefined && value !== null) this.push(value);
      const goesOn =
        this._writableState.ended || before === reading.length || reading.length < reading.highWaterMark;
      if (goesOn) callback();
      else this._waiting = callback;
    });
  },
  _read() {
    const callback = this._waiting;
    this._waiting = undefined;
    callback?.();
  },
  _final(callback) {
    if (typeof this._flush !== 'function') {
      this.push(null);
      callback();
      return;
    }
    this._flush((error, value) => {
      if (error) {
        callback(error);
        return;
      }
      if (value !== undefined && value !== null) this.push(value);
      this.push(null);
      callback();
    });
  },
});

export function PassThrough(options) {
  if (!(this instanceof PassThrough)) return new PassThrough(options);
  Transform.call(this, options);
}

Object.setPrototypeOf(PassThrough.prototype, Transform.prototype);
Object.setPrototypeOf(PassThrough, Transform);
PassThrough.prototype._transform = (chunk, encoding, callback) => callback(null, chunk);
