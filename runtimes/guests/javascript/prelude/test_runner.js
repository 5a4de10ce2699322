// The module 'node:test': tests run after the program's top level, and report as TAP at the end.

import { inspect } from './inspect.js';
import { addTick } from './loop.js';
import { stdout } from './streams.js';

const HOOKS = ['before', 'after', 'beforeEach', 'afterEach'];
const totals = { tests: 0, suites: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0 };
let isScheduled = false;

class Node {
  children = [];
  hooks = Object.fromEntries(HOOKS.map((name) => [name, []]));
  error = undefined;
  lines = [];

  constructor(parent, name, options, action, isSuite) {
    Object.assign(this, { parent, name, options, action, isSuite });
    this.note = options.skip ? 'SKIP' : options.todo ? 'TODO' : '';
    this.reason = [options.skip, options.todo].find((value) => typeof value === 'string') ?? '';
  }

  get fullName() {
    return this.parent?.parent ? `${this.parent.fullName} > ${this.name}` : this.name;
  }
}

const root = new Node(undefined, '<root>', {}, undefined, true);
let current = root;

function parsed(values) {
  const action = values.find((value) => typeof value === 'function');
  const options = values.find((value) => typeof value === 'object' && value !== null) ?? {};
  const name = typeof values[0] === 'string' ? values[0] : action?.name || '<anonymous>';
  return [name, options, action ?? (() => {})];
}

function schedule() {
  if (isScheduled) return;
  isScheduled = true;
  addTick(() => runAll().then(report), []);
}

function addTest(parent, extra, values) {
  const [name, options, action] = parsed(values);
  const node = new Node(parent, name, { ...options, ...extra }, action, false);
  parent.children.push(node);
  schedule();
  return node;
}

function addSuite(extra, values) {
  const [name, options, action] = parsed(values);
  const node = new Node(current, name, { ...options, ...extra }, action, true);
  current.children.push(node);
  const before = current;
  current = node;
  try {
    if (!node.options.skip) node.ready = Promise.resolve(action.call(node, node));
  } catch (error) {
    node.error = error;
  } finally {
    current = before;
  }
  schedule();
}

async function runHooks(node, name) {
  for (const hook of node.hooks[name]) await hook(node);
}

async function aroundEach(node, name, context) {
  if (node.parent && name === 'beforeEach') await aroundEach(node.parent, name, context);
  for (const hook of node.hooks[name]) await hook(context);
  if (node.parent && name === 'afterEach') await aroundEach(node.parent, name, context);
}

// What a test's function gets.
class TestContext {
  #node;

  constructor(node) {
    this.#node = node;
    this.name = node.name;
    this.mock = mock;
    this.signal = new AbortController().signal;
    for (const name of HOOKS) this[name] = (hook) => node.hooks[name].push(hook);
  }

  test(...values) {
    const child = addTest(this.#node, {}, values);
    child.running = runNode(child);
    return child.running;
  }

  skip(reason = '') {
    Object.assign(this.#node, { note: 'SKIP', reason });
  }

  todo(reason = '') {
    Object.assign(this.#node, { note: 'TODO', reason });
  }

  diagnostic(text) {
    this.#node.lines.push(`# ${text}`);
  }

  plan() {}
}

async function runNode(node) {
  if (node.note !== 'SKIP') {
    try {
      if (node.isSuite) {
        await node.ready;
        await runChildren(node);
      } else await runTest(node);
    } catch (error) {
      node.error ??= error ?? new Error(String(error));
    }
    const failed = node.children.filter((child) => child.error !== undefined && child.note !== 'TODO').length;
    if (failed > 0) node.error ??= new Error(`${failed} subtest${failed > 1 ? 's' : ''} failed`);
  }
  count(node);
}

async function runTest(node) {
  const context = new TestContext(node);
  await aroundEach(node.parent, 'beforeEach', context);
  try {
    if (node.action.length > 1) {
      await new Promise((resolve, reject) => {
        node.action(context, (error) => (error ? reject(error) : resolve()));
      });
    } else await node.action(context);
    await Promise.all(node.children.map((child) => child.running));
  } finally {
    await runHooks(node, 'after');
    await aroundEach(node.parent, 'afterEach', context);
  }
}

async function runChildren(node) {
  await runHooks(node, 'before');
  for (const child of node.children) await runNode(child);
  await runHooks(node, 'after');
}

function count(node) {
  if (node.isSuite) {
    totals.suites += 1;
    return;
  }
  totals.tests += 1;
  const result = { SKIP: 'skipped', TODO: 'todo' }[node.note] ?? (node.error === undefined ? 'pass' : 'fail');
  totals[result] += 1;
}

async function runAll() {
  try {
    await runChildren(root);
  } catch (error) {
    root.error = error;
  }
}

function linesOf(node, number) {
  const inner = node.children.flatMap((child, index) => linesOf(child, index + 1));
  if (inner.length > 0) inner.push(`1..${node.children.length}`);
  const isBad = node.error !== undefined;
  const note = node.note ? ` # ${node.note}${node.reason ? ` ${node.reason}` : ''}` : '';
  const details = ['  ---', '  duration_ms: 1'];
  if (node.isSuite) details.push("  type: 'suite'");
  if (isBad) {
    const text = node.error instanceof Error ? node.error.message : inspect(node.error);
    details.push(`  failureType: '${node.children.length > 0 ? 'subtestsFailed' : 'testCodeFailure'}'`, '  error: |-');
    details.push(...text.split('\n').map((line) => `    ${line}`));
    if (node.error?.code) details.push(`  code: '${node.error.code}'`);
  }
  return [
    `# Subtest: ${node.name}`,
    ...inner.map((line) => `    ${line}`),
    `${isBad ? 'not ok' : 'ok'} ${number} - ${node.name}${note}`,
    ...details,
    '  ...',
    ...node.lines,
  ];
}

function report() {
  const tests = root.children.flatMap((child, index) => linesOf(child, index + 1));
  const sums = Object.entries(totals).map(([name, number]) => `# ${name} ${number}`);
  const lines = ['TAP version 13', ...tests, `1..${root.children.length}`, ...sums, '# duration_ms 1'];
  stdout.write(`${lines.join('\n')}\n`);
  const isBad = root.error !== undefined || root.children.some((child) => child.error && child.note !== 'TODO');
  if (isBad) process.exitCode = 1;
}

// Functions that remember their calls.
function mocked(original = () => undefined, implementation = original) {
  const calls = [];
  let act = implementation;
  const fn = function fn(...values) {
    const call = { arguments: values, this: this, target: new.target, result: undefined, error: undefined };
    calls.push(call);
    try {
      call.result = new.target ? Reflect.construct(act, values, new.target) : act.apply(this, values);
      return call.result;
    } catch (error) {
      call.error = error;
      throw error;
    }
  };
  const control = {
    calls,
    callCount: () => calls.length,
    resetCalls: () => calls.splice(0),
    mockImplementation: (other) => {
      act = other;
    },
    restore: () => {
      act = original;
    },
  };
  return Object.defineProperty(fn, 'mock', { value: control });
}

const undo = [];
const mock = {
  fn: mocked,
  method(object, name, implementation) {
    const original = object[name];
    const replaced = mocked(original, implementation ?? original);
    object[name] = replaced;
    const restore = () => {
      object[name] = original;
    };
    undo.push(restore);
    replaced.mock.restore = restore;
    return replaced;
  },
  reset: () => mock.restoreAll(),
  restoreAll() {
    for (const restore of undo.splice(0)) restore();
  },
};

function withKinds(add) {
  const kind = (...values) => add({}, values);
  for (const name of ['skip', 'todo', 'only']) kind[name] = (...values) => add({ [name]: true }, values);
  return kind;
}

export const test = withKinds((extra, values) => {
  addTest(current, extra, values);
  return Promise.resolve();
});
const describe = withKinds(addSuite);
const hooks = Object.fromEntries(HOOKS.map((name) => [name, (hook) => void current.hooks[name].push(hook)]));
Object.assign(test, { test, it: test, describe, suite: describe, mock, ...hooks });
