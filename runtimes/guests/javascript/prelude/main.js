// The prelude's entry: makes the global environment of a program.

import { now, runJobs, setEntryPoints } from 'internal:binding';
import { Atomics } from './atomics.js';
import { Buffer, atob, btoa } from './buffer.js';
import { console, format } from './console.js';
import { crypto } from './crypto.js';
import { installStacks, notInSandbox } from './errors.js';
import { installLocales, Intl } from './intl.js';
import { installJson } from './json.js';
import { trackRejection } from './loop.js';
import { resolve } from './modules.js';
import { process } from './process.js';
import { call, run } from './program.js';
import { TextDecoder, TextEncoder } from './text.js';
import { clearImmediate, clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } from './timers.js';
import { URL, URLSearchParams } from './url.js';
import { installWeak } from './weak.js';
import { AbortController, AbortSignal, CustomEvent, Event, EventTarget, performance, structuredClone } from './web.js';

const ENGINE_ONLY = [
  'InternalError',
  'CallSite',
  'print',
  'navigator',
  'gc',
  'AsyncDisposableStack',
  'DisposableStack',
  'SuppressedError',
];

function define(names, enumerable) {
  for (const name of Object.keys(names)) {
    Object.defineProperty(globalThis, name, { value: names[name], writable: true, configurable: true, enumerable });
  }
}

function queueMicrotask(callback) {
  if (typeof callback !== 'function') throw new TypeError('The "callback" argument must be of type function.');
  nativeQueueMicrotask(callback);
}

const nativeQueueMicrotask = globalThis.queueMicrotask;

async function fetch(resource) {
  throw new TypeError('fetch failed', { cause: notInSandbox(`fetch('${resource}')`) });
}

installStacks();
installLocales();
installJson();
installWeak();
for (const name of ENGINE_ONLY) delete globalThis[name];
define(
  {
    console,
    Buffer,
    process,
    URL,
    URLSearchParams,
    TextEncoder,
    TextDecoder,
    AbortController,
    AbortSignal,
    Event,
    EventTarget,
    CustomEvent,
    Intl,
    Atomics,
  },
  false,
);
define(
  {
    global: globalThis,
    clearImmediate,
    setImmediate,
    clearInterval,
    clearTimeout,
    setInterval,
    setTimeout,
    queueMicrotask,
    structuredClone,
    atob,
    btoa,
    performance,
    fetch,
    crypto: crypto.webcrypto,
  },
  true,
);
Object.defineProperty(globalThis, Symbol.toStringTag, { value: 'global', configurable: true });

setEntryPoints(run, call, resolve, trackRejection);

// Makes the shapes and caches that every program needs, before the snapshot is taken.
format('%s %d', 'a', 1, [1, 2], { a: 1 }, new Map([[1, 2]]), null, undefined, true, new Error('x').stack);
runJobs();
now();
