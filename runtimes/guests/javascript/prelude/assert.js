// The module 'assert'.

import { className } from 'internal:binding';
import { isDeepEqual } from './deep_equal.js';
import { invalidArgument } from './errors.js';
import { inspect } from './inspect.js';
import { assertionAt } from './program_text.js';

const DEEP = {
  compact: false,
  customInspect: false,
  depth: 1000,
  maxArrayLength: Infinity,
  sorted: true,
  getters: true,
};
const OPERATOR_TEXT = {
  deepStrictEqual: 'Expected values to be strictly deep-equal:',
  strictEqual: 'Expected values to be strictly equal:',
  strictEqualObject: 'Expected "actual" to be reference-equal to "expected":',
  deepEqual: 'Expected values to be loosely deep-equal:',
  notDeepStrictEqual: 'Expected "actual" not to be strictly deep-equal to:',
  notStrictEqual: 'Expected "actual" to be strictly unequal to:',
  notStrictEqualObject: 'Expected "actual" not to be reference-equal to "expected":',
  notDeepEqual: 'Expected "actual" not to be loosely deep-equal to:',
};

class AssertionError extends Error {
  constructor({ message, actual, expected, operator, stackStartFn, generated }) {
    super(describe(operator, actual, expected, message));
    Object.defineProperty(this, 'name', { value: 'AssertionError', writable: true, configurable: true });
    this.generatedMessage = generated ?? message === undefined;
    this.code = 'ERR_ASSERTION';
    this.actual = actual;
    this.expected = expected;
    this.operator = operator;
    Error.captureStackTrace(this, stackStartFn);
    this.stack = String(this.stack).replace('AssertionError', 'AssertionError [ERR_ASSERTION]');
  }

  toString() {
    return `${this.name} [${this.code}]: ${this.message}`;
  }
}

const DIFFERS = new Set(['strictEqual', 'deepStrictEqual']);

const isSimple = (value) => value === null || (typeof value !== 'object' && typeof value !== 'function');

function describe(operator, actual, expected, message) {
  if (message !== undefined && !DIFFERS.has(operator)) return String(message);
  if (operator === 'deepEqual' || operator === 'notDeepEqual') return describeLoose(operator, actual, expected);
  if (operator === '==' || operator === '!=') return `${inspect(actual)} ${operator} ${inspect(expected)}`;
  const shownActual = inspect(actual, DEEP).split('\n');
  const shownExpected = inspect(expected, DEEP).split('\n');
  if (DIFFERS.has(operator)) return describeDifference(operator, actual, expected, shownActual, shownExpected, message);
  const key = operator === 'notStrictEqual' && !isSimple(actual) ? 'notStrictEqualObject' : operator;
  const [first] = shownActual;
  const text =
    shownActual.length === 1 ? `${first.length > 5 ? '\n\n' : ' '}${first}` : `\n\n${shownActual.join('\n')}\n`;
  return `${OPERATOR_TEXT[key]}${text}`;
}

function describeLoose(operator, actual, expected) {
  if (operator === 'notDeepEqual') return `${OPERATOR_TEXT.notDeepEqual}\n\n${inspect(actual, DEEP)}`;
  const parts = [OPERATOR_TEXT.deepEqual, inspect(actual, DEEP), 'should loosely deep-equal', inspect(expected, DEEP)];
  return parts.join('\n\n');
}

function describeDifference(operator, actual, expected, left, right, message) {
  if (left.join('\n') === right.join('\n')) {
    return `Values have same structure but are not reference-equal:\n\n${left.join('\n')}\n`;
  }
  const isObjects = operator === 'strictEqual' && !isSimple(actual) && !isSimple(expected);
  const title = message ?? OPERATOR_TEXT[isObjects ? 'strictEqualObject' : operator];
  const isShort = left.length === 1 && right.length === 1 && isSimple(actual) && isSimple(expected);
  if (!isShort) return `${title}\n${difference(left, right)}`;
  if (left[0].length + right[0].length <= 12) return `${title}\n\n${left[0]} !== ${right[0]}\n`;
  return `${title}\n+ actual - expected\n\n+ ${left[0]}\n- ${right[0]}${pointer(left[0], right[0])}`;
}

// Shows where two short texts part.
function pointer(left, right) {
  if (left.length + right.length > 80) return '';
  let same = 0;
  while (same < left.length && left[same] === right[same]) same += 1;
  return same > 2 ? `\n  ${' '.repeat(same)}^` : '';
}

const sameLine = (a, b) => a === b || `${a},` === b || `${b},` === a;

// [mark, line] for every line, by the longest common subsequence; a comma at the end makes no difference.
function changes(left, right) {
  const table = Array.from({ length: left.length + 1 }, () => new Uint32Array(right.length + 1));
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      table[i][j] = sameLine(left[i], right[j]) ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
    }
  }
  const lines = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && sameLine(left[i], right[j])) {
      lines.push([' ', left[i].length > right[j].length ? left[i] : right[j]]);
      i += 1;
      j += 1;
    } else if (i < left.length && (j >= right.length || table[i + 1][j] >= table[i][j + 1])) {
      lines.push(['+', left[i++]]);
    } else {
      lines.push(['-', right[j++]]);
    }
  }
  return lines;
}

// Long runs of equal lines are cut in the middle.
function difference(left, right) {
  const lines = changes(left, right);
  const shown = [];
  for (let start = 0; start < lines.length;) {
    let end = start;
    while (end < lines.length && lines[end][0] === ' ') end += 1;
    const isLast = end === lines.length;
    if (end - start > 5)
      shown.push(...lines.slice(start, start + (isLast ? 1 : 2)), null, ...lines.slice(end - (isLast ? 3 : 2), end));
    else shown.push(...lines.slice(start, end));
    if (!isLast) shown.push(lines[end]);
    start = end + 1;
  }
  const title = shown.includes(null) ? '+ actual - expected ... Lines skipped' : '+ actual - expected';
  return [title, '', ...shown.map((line) => (line === null ? '...' : `${line[0]} ${line[1]}`))].join('\n');
}

function fail(values, operator, stackStartFn) {
  if (values.message instanceof Error) throw values.message;
  throw new AssertionError({ ...values, operator, stackStartFn });
}

function describeFalsy(stackStartFn) {
  const holder = {};
  Error.captureStackTrace(holder, stackStartFn);
  return `The expression evaluated to a falsy value:\n\n  ${assertionAt(holder.stack) ?? 'assert(...)'}\n`;
}

function truth(value, message, count, stackStartFn) {
  if (value) return;
  if (message instanceof Error) throw message;
  const missing = 'No value argument passed to `assert.ok()`';
  const text = message ?? (count === 0 ? missing : describeFalsy(stackStartFn));
  throw new AssertionError({
    message: text,
    actual: value,
    expected: true,
    operator: '==',
    stackStartFn,
    generated: message === undefined,
  });
}

export function assert(...values) {
  truth(values[0], values[1], values.length, assert);
}

// name: [comparison, must it hold?]
const looseEqual = (a, b) => a == b || (Number.isNaN(a) && Number.isNaN(b));
const COMPARISONS = {
  equal: [looseEqual, true, '=='],
  notEqual: [looseEqual, false, '!='],
  strictEqual: [Object.is, true],
  notStrictEqual: [Object.is, false],
  deepEqual: [(a, b) => isDeepEqual(a, b, false), true],
  notDeepEqual: [(a, b) => isDeepEqual(a, b, false), false],
  deepStrictEqual: [(a, b) => isDeepEqual(a, b, true), true],
  notDeepStrictEqual: [(a, b) => isDeepEqual(a, b, true), false],
};

for (const [name, [compare, wanted, operator = name]] of Object.entries(COMPARISONS)) {
  assert[name] = {
    [name](actual, expected, message) {
      if (Boolean(compare(actual, expected)) !== wanted) fail({ actual, expected, message }, operator, assert[name]);
    },
  }[name];
}

assert.ok = function ok(...values) {
  truth(values[0], values[1], values.length, ok);
};

assert.fail = function fails(message = 'Failed') {
  if (message instanceof Error) throw message;
  throw new AssertionError({ message, operator: 'fail', stackStartFn: fails, generated: message === 'Failed' });
};

assert.ifError = function ifError(value) {
  if (value === null || value === undefined) return;
  const shown = value instanceof Error ? value.message : inspect(value);
  throw new AssertionError({
    message: `ifError got unwanted exception: ${shown}`,
    actual: value,
    expected: null,
    operator: 'ifError',
    stackStartFn: ifError,
  });
};

assert.match = function match(text, pattern, message) {
  if (pattern.test(text)) return;
  const generated = `The input did not match the regular expression ${inspect(pattern)}. Input:\n\n${inspect(text)}\n`;
  fail(
    { actual: text, expected: pattern, message: message ?? generated, generated: message === undefined },
    'match',
    match,
  );
};

assert.doesNotMatch = function doesNotMatch(text, pattern, message) {
  if (!pattern.test(text)) return;
  const expectation = `The input was expected to not match the regular expression ${inspect(pattern)}.`;
  const generated = `${expectation} Input:\n\n${inspect(text)}\n`;
  fail(
    { actual: text, expected: pattern, message: message ?? generated, generated: message === undefined },
    'doesNotMatch',
    doesNotMatch,
  );
};

// Is the thrown value what the caller expected: a class, a pattern, properties, or a function's yes?
function checkThrown(error, expected, message, name, stackStartFn) {
  if (expected === undefined || typeof expected === 'string') return;
  const wrong = (text) => {
    if (message instanceof Error) throw message;
    throw new AssertionError({
      message: message ?? text,
      actual: error,
      expected,
      operator: name,
      stackStartFn,
      generated: message === undefined,
    });
  };
  if (className(expected) === 'RegExp') {
    if (!expected.test(String(error))) {
      wrong(
        `The input did not match the regular expression ${inspect(expected)}. Input:\n\n${inspect(String(error))}\n`,
      );
    }
  } else if (typeof expected === 'object') {
    class Comparison {}
    const keys = Object.keys(expected).concat(expected instanceof Error ? ['name', 'message'] : []);
    for (const key of keys) {
      const matches =
        className(expected[key]) === 'RegExp' && typeof error[key] === 'string'
          ? expected[key].test(error[key])
          : isDeepEqual(error[key], expected[key], true);
      if (!matches)
        wrong(
          describe(
            'deepStrictEqual',
            Object.assign(new Comparison(), pick(error, keys)),
            Object.assign(new Comparison(), pick(expected, keys)),
          ),
        );
    }
  } else if (expected.prototype !== undefined && error instanceof expected) {
    return;
  } else if (Object.prototype.isPrototypeOf.call(Error, expected)) {
    const got = error instanceof Error ? `\n\nError message:\n\n${error.message}` : '';
    const received = error?.constructor?.name ?? inspect(error);
    wrong(`The error is expected to be an instance of "${expected.name}". Received "${received}"${got}`);
  } else if (expected.call({}, error) !== true) {
    const name = expected.name ? `"${expected.name}" ` : '';
    wrong(`The ${name}validation function is expected to return "true". Received false`);
  }
}

function pick(object, keys) {
  return Object.fromEntries(keys.filter((key) => key in object).map((key) => [key, object[key]]));
}

function missingException(expected, message, name, kind, stackStartFn) {
  const text = typeof expected === 'string' ? expected : message;
  const wanted = expected && expected.name && typeof expected !== 'string' ? ` (${expected.name})` : '';
  throw new AssertionError({
    message: `Missing expected ${kind}${wanted}${text ? `: ${text}` : '.'}`,
    actual: undefined,
    expected,
    operator: name,
    stackStartFn,
  });
}

assert.throws = function throws(action, expected, message) {
  if (typeof action !== 'function') throw invalidArgument('fn', 'of type function', action);
  let thrown;
  try {
    action();
  } catch (error) {
    thrown = { error };
  }
  if (thrown === undefined) missingException(expected, message, 'throws', 'exception', throws);
  checkThrown(thrown.error, expected, message, 'throws', throws);
};

assert.doesNotThrow = function doesNotThrow(action, expected, message) {
  try {
    action();
  } catch (error) {
    const text = typeof expected === 'string' ? expected : message;
    throw new AssertionError({
      message: `Got unwanted exception${text ? `: ${text}` : '.'}\nActual message: "${error?.message}"`,
      actual: error,
      expected,
      operator: 'doesNotThrow',
      stackStartFn: doesNotThrow,
    });
  }
};

assert.rejects = async function rejects(promise, expected, message) {
  let thrown;
  try {
    await (typeof promise === 'function' ? promise() : promise);
  } catch (error) {
    thrown = { error };
  }
  if (thrown === undefined) missingException(expected, message, 'rejects', 'rejection', rejects);
  checkThrown(thrown.error, expected, message, 'rejects', rejects);
};

assert.doesNotReject = async function doesNotReject(promise, expected, message) {
  try {
    await (typeof promise === 'function' ? promise() : promise);
  } catch (error) {
    const text = typeof expected === 'string' ? expected : message;
    throw new AssertionError({
      message: `Got unwanted rejection${text ? `: ${text}` : '.'}\nActual message: "${error?.message}"`,
      actual: error,
      expected,
      operator: 'doesNotReject',
      stackStartFn: doesNotReject,
    });
  }
};

assert.AssertionError = AssertionError;

export const strictAssert = Object.assign(
  (...values) => truth(values[0], values[1], values.length, strictAssert),
  assert,
  {
    equal: assert.strictEqual,
    notEqual: assert.notStrictEqual,
    deepEqual: assert.deepStrictEqual,
    notDeepEqual: assert.notDeepStrictEqual,
  },
);
strictAssert.strict = strictAssert;
assert.strict = strictAssert;
