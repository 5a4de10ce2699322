// The standard streams, and the module 'stream'.

import { readBytes, write } from 'internal:binding';
import { Buffer } from './buffer.js';
import { Duplex, PassThrough, Transform } from './duplex.js';
import { invalidArgument } from './errors.js';
import { addInput, addTick } from './loop.js';
import { Readable } from './readable.js';
import './readable_items.js';
import { Stream } from './stream_base.js';
import { finished, pipeline, promises } from './stream_pipes.js';
import { Writable } from './writable.js';

const CHUNK = 65536;

// What is written goes out at once.
class StandardOutput extends Writable {
  constructor(target) {
    super();
    this.fd = target + 1;
    Object.defineProperty(this, 'target', { value: target });
  }

  write(chunk, encoding, callback) {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array))
      throw invalidArgument('chunk', 'of type string or an instance of Buffer or Uint8Array', chunk);
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

  destroy() {
    return this;
  }

  getColorDepth() {
    return 1;
  }

  hasColors() {
    return false;
  }
}

// Chunks arrive in the loop's poll phase, one a turn.
export const stdin = new Readable({
  highWaterMark: CHUNK,
  read() {
    addInput(() => {
      const bytes = readBytes(CHUNK);
      this.push(bytes.length > 0 ? Buffer.from(bytes.buffer) : null);
    });
  },
});
stdin.fd = 0;
stdin.ref = () => stdin;
stdin.unref = () => stdin;
export const stdout = new StandardOutput(0);
export const stderr = new StandardOutput(1);

export const stream = Object.assign(Stream, {
  Stream,
  Readable,
  Writable,
  Transform,
  Duplex,
  PassThrough,
  pipeline,
  finished,
  promises,
});
for (const [name, action] of Object.entries({ pipeline: promises.pipeline, finished: promises.finished }))
  Object.defineProperty(stream[name], Symbol.for('nodejs.util.promisify.custom'), { value: action });
