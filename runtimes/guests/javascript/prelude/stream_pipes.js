// Streams joined to one another: pipe(), pipeline(), finished().

import { codedError, invalidArgument } from './errors.js';
import { Duplex, PassThrough } from './duplex.js';
import { addTick } from './loop.js';
import { flow, Readable } from './readable.js';
import { abortError, fail, hide } from './stream_base.js';

const later = (action, ...values) => addTick(action, values);

// source.pipe(target, options)
export function connect(source, target, options) {
  const isStandard = target === process.stdout || target === process.stderr;
  const ends = options?.end !== false && !isStandard;
  const flowOn = () => {
    source._readableState.flowing = true;
    flow(source, source._readableState);
  };
  const give = (chunk) => {
    if (target.write(chunk) !== false) return;
    source.pause();
    target.once('drain', flowOn);
  };
  const finish = () => (ends ? target.end() : cut());
  const cut = () => {
    source.removeListener('data', give);
    source.removeListener('end', finish);
    target.removeListener('drain', flowOn);
    target.removeListener('error', failed);
    source._pipes.delete(target);
    if (source._pipes.size === 0) source.pause();
    target.emit('unpipe', source);
  };
  const failed = (error) => {
    cut();
    if (target.listenerCount('error') === 0) fail(target, error);
  };
  if (source._pipes === undefined) hide(source, '_pipes', new Map());
  source._pipes.set(target, cut);
  source.on('data', give);
  if (source._readableState.endEmitted) later(finish);
  else source.once('end', finish);
  target.prependListener?.('error', failed);
  target.emit('pipe', source);
  if (target.writableNeedDrain) source.pause();
  else if (!source._readableState.flowing) source.resume();
  return target;
}

// finished(stream, options, callback): calls back once when a stream has ended, failed or been closed too early.
export function finished(stream, options, callback) {
  const done = typeof options === 'function' ? options : callback;
  const wanted = typeof options === 'object' && options !== null ? options : {};
  const reads = wanted.readable !== false && stream._readableState !== undefined;
  const writes = wanted.writable !== false && stream._writableState !== undefined;
  let hasEnded = !reads || stream.readableEnded;
  let hasFinished = !writes || stream.writableFinished;
  let isCalled = false;
  const call = (error) => {
    if (isCalled) return;
    isCalled = true;
    forget();
    done.call(stream, error);
  };
  const check = () => {
    if (hasEnded && hasFinished && !stream.autoDestroy) call();
  };
  const listeners = {
    end() {
      hasEnded = true;
      check();
    },
    finish() {
      hasFinished = true;
      check();
    },
    error: (error) => call(error),
    close() {
      if (hasEnded && hasFinished) call();
      else call(stream.errored ?? codedError(Error, 'ERR_STREAM_PREMATURE_CLOSE', 'Premature close'));
    },
  };
  const forget = () => {
    for (const [event, listener] of Object.entries(listeners)) stream.removeListener(event, listener);
  };
  for (const [event, listener] of Object.entries(listeners)) stream.on(event, listener);
  if (stream.closed) later(listeners.close);
  else if (hasEnded && hasFinished) later(call);
  wanted.signal?.addEventListener('abort', () => call(abortError(wanted.signal.reason)));
  return forget;
}

const isStream = (value) => typeof value?.on === 'function';

// A part of a pipeline that is no stream: an iterable, or a function that takes one.
function asStream(part, source, isLast, onValue) {
  if (isStream(part)) return part;
  const result = typeof part === 'function' ? part(source) : part;
  if (result?.[Symbol.asyncIterator] || result?.[Symbol.iterator]) return Readable.from(result);
  if (typeof result?.then !== 'function' || !isLast)
    throw codedError(TypeError, 'ERR_INVALID_RETURN_VALUE', 'Expected AsyncIterable to be returned');
  const end = new PassThrough({ objectMode: true });
  result.then(
    (value) => {
      onValue(value);
      if (value !== undefined && value !== null) end.write(value);
      end.end();
      end.resume();
    },
    (error) => end.destroy(error),
  );
  return end;
}

export function pipeline(...given) {
  const callback = typeof given.at(-1) === 'function' ? given.pop() : undefined;
  const parts = Array.isArray(given[0]) && given.length === 1 ? given[0] : given;
  if (parts.length < 2) throw codedError(TypeError, 'ERR_MISSING_ARGS', 'The "streams" argument must be specified');
  if (callback === undefined) throw invalidArgument('streams[stream.length - 1]', 'of type function', callback);
  return join(parts, {}, callback);
}

function join(parts, { signal, end = true }, callback) {
  let value;
  let failure;
  let left = 0;
  let source;
  const streams = [];
  const settle = (error) => {
    left -= 1;
    const isFirst = failure === undefined && error;
    if (isFirst) failure = error;
    if (isFirst) for (const stream of streams) if (!stream.destroyed && stream !== process.stdout) stream.destroy(error);
    if (left === 0) later(callback, failure, value);
  };
  parts.forEach((part, index) => {
    const isLast = index === parts.length - 1;
    const isFunction = typeof part === 'function' && !isStream(part);
    const stream = asStream(part, source, isLast, (result) => {
      value = result;
    });
    const isStandard = stream === process.stdout || stream === process.stderr;
    streams.push(stream);
    if (!isStandard) {
      left += 1;
      const reads = index < parts.length - 1 || isFunction || !(stream instanceof Duplex);
      finished(stream, { readable: reads, writable: index > 0 && !isFunction }, settle);
    }
    if (source !== undefined && !isFunction) source.pipe(stream, { end });
    source = stream;
  });
  signal?.addEventListener('abort', () => streams[0].destroy(abortError(signal.reason)));
  return source;
}

export const promises = {
  pipeline: (...given) =>
    new Promise((resolve, reject) => {
      const last = given.at(-1);
      const isOptions = typeof last === 'object' && last !== null && !isStream(last) && !last[Symbol.asyncIterator];
      const options = isOptions && !last[Symbol.iterator] ? given.pop() : {};
      join(given, options, (error, value) => (error ? reject(error) : resolve(value)));
    }),
  finished: (stream, options) =>
    new Promise((resolve, reject) => {
      finished(stream, options ?? {}, (error) => (error ? reject(error) : resolve()));
    }),
};
