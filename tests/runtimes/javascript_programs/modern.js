// ===== objects spread from texts and lists
console.log({ ...'hi' }, { a: 1, ...[9, 8], ...'xyz', ...null, ...5, ...true }, { ...'é😀' }, { ...new String('ab'), 0: 'z' });
const { 0: first, ...others } = 'abc';
console.log(first, others, Object.assign({}, 'hi'));

// ===== weak references
let target = { a: 1 };
const weak = new WeakRef(target);
target = null;
console.log(weak.deref(), weak, weak instanceof WeakRef, WeakRef.name, Object.prototype.toString.call(weak));
class Cache extends WeakRef {}
console.log(new Cache({ b: 2 }).deref(), weak.constructor === WeakRef);
for (const bad of [1, 'x', null]) {
  try {
    new WeakRef(bad);
  } catch (e) {
    console.log(e.name, e.message);
  }
}
const registry = new FinalizationRegistry((held) => console.log('collected', held));
const token = {};
registry.register({}, 'one', token);
console.log(registry, registry.unregister(token), registry.unregister(token), registry.unregister({}));

// ===== hashes of every kind
const crypto = require('crypto');
const texts = ['', 'abc', 'héllo wörld', 'x'.repeat(111), 'x'.repeat(112), 'x'.repeat(128), 'ab'.repeat(1000)];
for (const name of ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'])
  for (const text of texts) console.log(name, crypto.createHash(name).update(text).digest('hex'));
for (const name of ['md5', 'sha256', 'sha512'])
  for (const key of ['', 'key', 'k'.repeat(65), 'k'.repeat(129)])
    console.log(name, crypto.createHmac(name, key).update('data').update(Buffer.from('more')).digest('base64'));
const hash = crypto.createHash('sha512').update('a');
const copy = hash.copy().update('b');
console.log(hash.digest('hex') === crypto.createHash('SHA-512').update('a').digest('hex'), copy.digest('base64url'));
for (const act of [
  () => hash.update('x'),
  () => hash.digest(),
  () => hash.copy(),
  () => crypto.createHash('nope'),
  () => crypto.createHmac('nope', 'k'),
  () => crypto.createHash('md5').update(5),
]) {
  try {
    act();
  } catch (e) {
    console.log(e.name, e.code, e.message);
  }
}
console.log(crypto.pbkdf2Sync('password', 'salt', 20, 70, 'sha512').toString('hex'));
crypto.subtle;
crypto.webcrypto.subtle.digest('SHA-256', new TextEncoder().encode('x')).then((d) => console.log(Buffer.from(d).toString('hex')));

// ===== parseArgs
const { parseArgs } = require('util');
const options = {
  verbose: { type: 'boolean', short: 'v' },
  name: { type: 'string', short: 'n', default: 'nobody' },
  tag: { type: 'string', multiple: true },
};
const attempts = [
  ['-v', '--name', 'bob', 'file'],
  ['--name=a=b', '--tag', 'x', '--tag=y', '-vn', 'z'],
  ['-nbob', '--', '-v', '--tag'],
  ['--nope'],
  ['-x'],
  ['--verbose=1'],
  ['--name'],
  ['--name', '-v'],
  [],
];
for (const args of attempts) {
  try {
    console.log(parseArgs({ args, options, allowPositionals: true }));
  } catch (e) {
    console.log(e.name, e.code, e.message);
  }
}
try {
  parseArgs({ args: ['x'], options });
} catch (e) {
  console.log(e.code, e.message);
}
console.log(parseArgs({ args: ['--free', '--no-color', '--a=1', 'x'], strict: false }));
console.log(parseArgs({ args: ['-v', 'a', '--', 'b'], options, allowPositionals: true, tokens: true }).tokens);

// ===== marks and measures
const { performance } = require('perf_hooks');
performance.mark('a');
performance.mark('b', { detail: { x: 1 } });
const measure = performance.measure('m', 'a', 'b');
console.log(measure.name, measure.entryType, measure.duration >= 0, performance.getEntriesByName('b')[0].detail);
console.log(performance.getEntriesByType('mark').map((entry) => entry.name), performance.getEntriesByName('m').length);
performance.clearMarks('a');
console.log(performance.getEntriesByType('mark').length, performance.getEntries().length);
try {
  performance.measure('x', 'missing');
} catch (e) {
  console.log(e.name, e.message);
}

// ===== assertions quote themselves
const assert = require('assert');
const { ok } = assert;
const isEven = (n) => n % 2 === 0;
const x = 3;
function attempt(action) {
  try {
    action();
  } catch (e) {
    console.log(e.message, e.generatedMessage);
  }
}
attempt(() => assert(x === 4));
attempt(() => assert.ok(isEven(x)));
attempt(() => assert(isEven(x) && [1, 2].includes(x), undefined));
attempt(() => ok(x > 5));
attempt(() => assert.strict.ok(x - 3));
attempt(() => assert(x.toString() === ')'));
attempt(() => {
  assert.ok(
    [1, 2].some((n) => {
      return n === x;
    }),
  );
});
class Stack {
  items = [];
  pop() {
    assert(this.items.length > 0);
    return this.items.pop();
  }
}
attempt(() => new Stack().pop());

// ===== monitors, late handlers, warnings
process.on('uncaughtExceptionMonitor', (error, origin) => console.log('monitor', error.message, origin));
process.on('uncaughtException', (error, origin) => console.log('caught', error.message, origin));
process.on('unhandledRejection', (reason) => console.log('unhandled', reason));
process.on('rejectionHandled', () => console.log('handled'));
process.on('warning', (warning) => console.log(warning.name, warning.message, warning.code));
process.emitWarning('careful', 'MyWarning', 'W1');
const late = Promise.reject(1);
setTimeout(() => late.catch(() => {}), 5);
setTimeout(() => console.log('end'), 50);
throw new Error('first');

// ===== structuredClone moves buffers
const buffer = new ArrayBuffer(4);
const view = new Uint8Array(buffer);
view.set([1, 2, 3, 4]);
const moved = structuredClone({ buffer, text: 'x' }, { transfer: [buffer] });
console.log(buffer.byteLength, view.length, new Uint8Array(moved.buffer));
for (const bad of [new WeakMap(), Promise.resolve(), Symbol('s')]) {
  try {
    structuredClone(bad);
  } catch (e) {
    console.log(e.name, e.message, e.code);
  }
}

// ===== messages about classes, receivers and redeclarations
class A {
  #secret = 1;
  #tell() {
    return this.#secret;
  }
  static call(other) {
    return other.#tell();
  }
}
const attempts = [
  () => A.call({}),
  () => class extends undefined {},
  () => class extends 5 {},
  () => new BigInt(1),
  () => new Symbol(),
  () => 'abc'.startsWith(/a/),
  () => Symbol.keyFor('a'),
  () => [1].with(5, 1),
  () => Array.prototype.forEach.call(null, () => {}),
  () => Array.prototype.map.call(undefined, () => {}),
  () => new DataView(new ArrayBuffer(8), 50),
  () => new Function('let y = 1; let y = 2'),
  () => new Function('const z = 1; var z'),
  () => new Function('a', 'let a'),
  () => new Function('function () {}'),
  () => new Function('/abc'),
];
for (const attempt of attempts) {
  try {
    console.log(attempt());
  } catch (e) {
    console.log(`${e.name}: ${e.message}`);
  }
}
console.log(Math.max.toString(), String(parseInt), `${class extends mixin(A) {}}`);
function mixin(Base) {
  return class extends Base {};
}
class Mixed extends mixin(A) {}
console.log(Mixed, [class B extends A {}], mixin(A));

// ===== tables with numbered columns
console.table([1.5, 'a', { x: { y: 1 } }, [1, [2]], null, undefined, Symbol('s')]);
console.table([{ b: 1, 2: 'two' }, { a: 3, 1: 'one' }]);
console.table({ r: [1, 2], s: { z: 1, 0: 'zero' } }, ['z', '0']);
