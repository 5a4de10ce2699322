// ===== order of timers, microtasks, ticks and immediates
console.log('start');
setTimeout(() => console.log('timeout 0'), 0);
setTimeout(() => console.log('timeout 10'), 120);
setTimeout(() => {
  console.log('timeout 5');
  Promise.resolve().then(() => console.log('micro in timeout'));
  process.nextTick(() => console.log('tick in timeout'));
}, 60);
setImmediate(() => {
  console.log('immediate');
  process.nextTick(() => console.log('tick in immediate'));
  Promise.resolve().then(() => console.log('micro in immediate'));
});
process.nextTick((a) => console.log('tick', a), 'arg');
Promise.resolve()
  .then(() => {
    console.log('micro 1');
    process.nextTick(() => console.log('tick in micro'));
  })
  .then(() => console.log('micro 2'));
queueMicrotask(() => console.log('queued'));
(async () => {
  console.log('async start');
  await null;
  console.log('async after');
})();
console.log('end');

// ===== nested ticks and microtasks
process.nextTick(() => {
  console.log('t1');
  process.nextTick(() => console.log('t3'));
  Promise.resolve().then(() => console.log('m2'));
});
process.nextTick(() => console.log('t2'));
Promise.resolve().then(() => {
  console.log('m1');
  queueMicrotask(() => console.log('m3'));
});

// ===== await order
async function a1() {
  console.log('a1 start');
  await a2();
  console.log('a1 end');
}
async function a2() {
  console.log('a2');
}
console.log('script start');
setTimeout(() => console.log('setTimeout'), 0);
a1();
new Promise((r) => {
  console.log('p1');
  r();
}).then(() => console.log('p2'));
console.log('script end');

// ===== thenables and resolution with promises
const thenable = {
  then(r) {
    console.log('then called');
    r('t');
  },
};
Promise.resolve(thenable).then(console.log);
(async () => console.log(await thenable))();
new Promise((r) => r(Promise.resolve(1))).then(() => console.log('nested'));
Promise.resolve()
  .then(() => console.log('a'))
  .then(() => console.log('b'))
  .then(() => console.log('c'))
  .then(() => console.log('d'));

// ===== promise combinators
const wait = (ms, v, fail) =>
  new Promise((res, rej) => setTimeout(() => (fail ? rej(new Error(v)) : res(v)), ms));
(async () => {
  console.log(await Promise.all([wait(60, 'a'), wait(20, 'b'), 5]));
  console.log(await Promise.race([wait(80, 'slow'), wait(20, 'fast')]));
  console.log(
    await Promise.allSettled(
      [wait(5, 'ok'), wait(1, 'bad', true)].map((p) => p.catch((e) => Promise.reject(e.message))),
    ),
  );
  console.log(await Promise.any([wait(5, 'x', true), wait(9, 'y')]));
  try {
    await Promise.any([wait(1, 'q', true)]);
  } catch (e) {
    console.log(e.constructor.name, e.errors[0].message, e.message);
  }
  try {
    await Promise.all([wait(5, 'no', true), wait(50, 'late')]);
  } catch (e) {
    console.log('caught', e.message);
  } finally {
    console.log('finally');
  }
  const { promise, resolve } = Promise.withResolvers
    ? Promise.withResolvers()
    : (() => {
        let resolve;
        const promise = new Promise((r) => (resolve = r));
        return { promise, resolve };
      })();
  resolve('wr');
  console.log(await promise);
})();

// ===== promise chains and errors
Promise.reject(new Error('x'))
  .catch((e) => {
    console.log('c', e.message);
    return 1;
  })
  .then((v) => {
    console.log('v', v);
    throw new TypeError('again');
  })
  .then(() => console.log('skipped'))
  .catch((e) => console.log(e.name))
  .finally(() => console.log('fin'))
  .then((v) => console.log('after', v));
new Promise(() => {
  throw new Error('in executor');
}).catch((e) => console.log(e.message));
Promise.resolve(1)
  .then(2)
  .then((v) => console.log('passes', v));
(async () => {
  throw 'str';
})().catch(console.log);

// ===== setInterval and clearing
let n = 0;
const id = setInterval(() => {
  console.log('tick', ++n);
  if (n === 3) clearInterval(id);
}, 60);
const never = setTimeout(() => console.log('never'), 5);
clearTimeout(never);
const imm = setImmediate(() => console.log('never'));
clearImmediate(imm);
setTimeout((a, b) => console.log(a, b), 1, 'x', 'y');
const t = setTimeout(() => {}, 100000);
t.unref();
console.log(typeof t, t.hasRef());

// ===== timers with equal and different delays
for (const ms of [150, 50, 100, 50, 1, 0, 150]) setTimeout(() => console.log(ms), ms);
setTimeout(() => {
  console.log('outer');
  setTimeout(() => console.log('inner'), 50);
}, 75);
setTimeout(() => console.log('late'), 200);

// ===== timer inside microtask storms
setTimeout(() => console.log('timeout'), 0);
let k = 0;
(function spin() {
  if (k++ < 100) Promise.resolve().then(spin);
  else console.log('spun');
})();
setImmediate(() => console.log('immediate'));

// ===== immediates in immediates
setImmediate(() => {
  console.log(1);
  setImmediate(() => console.log(3));
});
setImmediate(() => console.log(2));
setTimeout(() => {
  setImmediate(() => console.log('i'));
  setTimeout(() => console.log('t'), 0);
}, 2);

// ===== async generators and for await
async function* gen() {
  for (let i = 0; i < 3; i++) {
    await new Promise((r) => setTimeout(r, 5));
    yield i;
  }
}
(async () => {
  for await (const v of gen()) console.log(v);
  for await (const v of [Promise.resolve('a'), 'b']) console.log(v);
  const it = gen();
  console.log(await it.next(), await it.return('done'), await it.next());
})();

// ===== event emitter
const EventEmitter = require('events');
const e = new EventEmitter();
e.on('x', (...a) => console.log('x', ...a));
e.once('x', () => console.log('once'));
e.prependListener('x', () => console.log('first'));
console.log(e.emit('x', 1, 2), e.emit('x'), e.emit('nope'), e.listenerCount('x'), e.eventNames());
e.off('x', () => {});
e.removeAllListeners('x');
console.log(e.emit('x'));
try {
  e.emit('error', new Error('unheard'));
} catch (err) {
  console.log(err.message);
}
class Chat extends EventEmitter {
  say(m) {
    this.emit('msg', m);
    return this;
  }
}
new Chat()
  .on('msg', function (m) {
    console.log(m, this instanceof Chat);
  })
  .say('hi');
EventEmitter.once(e, 'later').then((v) => console.log('later', v));
e.emit('later', 7);

// ===== mutex, queue and retry patterns
class Mutex {
  #p = Promise.resolve();
  run(f) {
    const r = this.#p.then(f);
    this.#p = r.catch(() => {});
    return r;
  }
}
const m = new Mutex();
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
for (let i = 0; i < 3; i++)
  m.run(async () => {
    console.log('in', i);
    await sleep(30 - i);
    console.log('out', i);
  });
async function retry(f, n) {
  for (let i = 0; i < n; i++)
    try {
      return await f(i);
    } catch (err) {
      console.log('retry', i, err.message);
    }
  throw new Error('gave up');
}
retry(async (i) => {
  if (i < 2) throw new Error('f' + i);
  return 'ok' + i;
}, 5).then(console.log);
async function pool(tasks, size) {
  const out = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: size }, async () => {
      while (next < tasks.length) {
        const i = next++;
        out[i] = await tasks[i]();
      }
    }),
  );
  return out;
}
pool(
  [3, 1, 2].map((x) => () => sleep(x * 20).then(() => x * x)),
  2,
).then(console.log);

// ===== promisify, callbacks, abort
const util = require('util');
const cb = (a, done) => setTimeout(() => (a < 0 ? done(new Error('neg')) : done(null, a * 2)), 1);
const p = util.promisify(cb);
p(4).then(console.log);
p(-1).catch((e) => console.log(e.message));
require('timers/promises').setTimeout(40, 'tp').then(console.log);
util.promisify(setTimeout)(80, 'v').then(console.log);
const ac = new AbortController();
ac.signal.addEventListener('abort', () => console.log('aborted', ac.signal.reason.name));
ac.abort();
console.log(ac.signal.aborted);
util.callbackify(async (x) => x + 1)(1, (err, v) => console.log(err, v));

// ===== debounce and throttle on the clock
function debounce(f, ms) {
  let t;
  return (...a) => {
    clearTimeout(t);
    t = setTimeout(() => f(...a), ms);
  };
}
const d = debounce((x) => console.log('debounced', x), 80);
d(1);
setTimeout(() => d(2), 5);
setTimeout(() => d(3), 200);
const start = Date.now();
setTimeout(() => {
  const took = Date.now() - start;
  console.log(took >= 99 && took < 400);
}, 100);

// ===== process events
process.on('exit', (c) => console.log('exit', c));
process.on('beforeExit', () => console.log('beforeExit'));
setTimeout(() => console.log('last'), 1);

// ===== exit code property
process.exitCode = 3;
process.on('exit', (c) => console.log('code', c, process.exitCode));

// ===== exit inside a timer
process.on('exit', (c) => console.log('bye', c));
setTimeout(() => console.log('never'), 50);
setTimeout(() => process.exit(4), 5);

// ===== exit inside try and finally
try {
  process.exit(2);
} catch (e) {
  console.log('no');
} finally {
  console.log('no');
}

// ===== uncaught error
console.log('a');
setTimeout(() => console.log('never'), 0);
throw new Error('up');

// ===== uncaught error in a timer
setTimeout(() => console.log('one'), 1);
setTimeout(() => {
  throw new TypeError('two');
}, 40);
setTimeout(() => console.log('three'), 80);

// ===== unhandled rejection
Promise.reject(new Error('nobody'));
setTimeout(() => console.log('never'), 0);
process.on('exit', (c) => console.log('exit', c));

// ===== unhandled rejection of a value
(async () => {
  await null;
  throw 5;
})();
setTimeout(() => console.log('never'), 10);

// ===== handled later in the same turn
const r = Promise.reject(new Error('late'));
process.nextTick(() => r.catch((e) => console.log('ok', e.message)));

// ===== uncaughtException listener
process.on('uncaughtException', (e, origin) => console.log('caught', e.message, origin));
setTimeout(() => {
  throw new Error('one');
}, 1);
setTimeout(() => console.log('still'), 40);
Promise.reject(new Error('rej'));

// ===== unhandledRejection listener
process.on('unhandledRejection', (e) => console.log('unhandled', e.message));
Promise.reject(new Error('r1'));
setTimeout(() => console.log('alive'), 1);

// ===== top-level await
const v = await new Promise((r) => setTimeout(() => r('tla'), 5));
console.log(v);
export {};
setTimeout(() => console.log('t'), 0);
process.nextTick(() => console.log('tick'));
await null;
console.log('m');

// ===== unsettled top-level await
import fs from 'fs';
console.log(typeof fs.readFileSync);
await new Promise(() => {});
console.log('never');

// ===== module syntax
import { readFileSync } from 'fs';
import path, { join } from 'node:path';
import * as util from 'util';
import EventEmitter, { once } from 'events';
import assert from 'assert/strict';
console.log(
  typeof readFileSync,
  join('a', '..', 'b'),
  path.sep,
  typeof util.inspect,
  new EventEmitter() instanceof EventEmitter,
  typeof once,
  typeof assert.equal,
  typeof require,
  this,
  import.meta.url.slice(0, 7),
);
export const x = 1;
export default function f() {}
const os = await import('os');
console.log(os.EOL === '\n', os.default.EOL === os.EOL);
import('nothing-here').catch((e) => console.log(e.code));

// ===== error thrown by a module
import 'fs';
process.on('exit', (c) => console.log('exit', c));
console.log('before');
throw new RangeError('module');

// ===== dynamic import in a script
import('path').then((m) => console.log(m.basename('/a/b.txt', '.txt'), m.default.extname('x.js')));
console.log('first');

// ===== event target
const t = new EventTarget();
t.addEventListener('go', (e) => console.log(e.type, e instanceof Event, e.detail), { once: true });
t.dispatchEvent(new CustomEvent('go', { detail: 5 }));
t.dispatchEvent(new Event('go'));
console.log(AbortSignal.abort().aborted);
