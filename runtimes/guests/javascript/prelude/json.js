// JSON.parse and JSON.stringify with node's messages for texts that are no JSON and values that contain themselves.

const parse = JSON.parse;
const stringify = JSON.stringify;

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;

// Texts that are a value's text, and that people try to parse.
const SPECIAL = new Set(['NaN', 'Infinity', 'undefined', '[object Object]']);
// How many characters before and behind an unexpected one are shown.
const CONTEXT = 10;

class Found {
  constructor(message) {
    this.message = message;
  }
}

// Reads the text again, to say where and why it fails.
class Reader {
  constructor(text) {
    this.text = text;
    this.position = 0;
  }

  fail(message, position = this.position) {
    throw new Found(`${message} in JSON at position ${position}`);
  }

  skip(pattern = SPACE) {
    pattern.lastIndex = this.position;
    const match = pattern.exec(this.text);
    if (match !== null) this.position = pattern.lastIndex;
    return match !== null;
  }

  unexpected() {
    const { text, position } = this;
    if (position >= text.length) throw new Found('Unexpected end of JSON input');
    if (SPECIAL.has(text)) throw new Found(`"${text}" is not valid JSON`);
    const from = Math.max(0, position - CONTEXT);
    const to = Math.min(text.length, position + CONTEXT);
    const before = position >= CONTEXT ? '...' : '';
    const after = to < text.length ? '...' : '';
    const shown = text.length <= 2 * CONTEXT ? `"${text}"` : `${before}"${text.slice(from, to)}"${after}`;
    const token = String.fromCodePoint(text.codePointAt(position));
    throw new Found(`Unexpected token '${token}', ${shown} is not valid JSON`);
  }

  value() {
    this.skip();
    const character = this.text[this.position];
    if (character === '{') this.object();
    else if (character === '[') this.array();
    else if (character === '"') this.string();
    else if (character === '-' || (character >= '0' && character <= '9')) this.number();
    else this.word();
  }

  word() {
    const { text, position } = this;
    const word = { t: 'true', f: 'false', n: 'null' }[text[position]];
    if (word === undefined) this.unexpected();
    for (const letter of word) {
      if (text[this.position] !== letter) this.unexpected();
      this.position += 1;
    }
  }

  number() {
    if (!this.skip(NUMBER)) {
      this.position += 1;
      this.fail('No number after minus sign');
    }
    const rest = this.text.slice(this.position);
    if (/^\.(?!\d)/.test(rest)) this.fail('Unterminated fractional number', this.position + 1);
    if (/^[eE]/.test(rest)) this.fail('Exponent part is missing a number', this.position + 1);
    if (/^\d/.test(rest)) this.fail('Unexpected number');
  }

  string() {
    for (this.position += 1; ; this.position += 1) {
      const { text, position } = this;
      if (position >= text.length) this.fail('Unterminated string');
      if (text[position] === '"') break;
      if (text[position] < ' ') this.fail('Bad control character in string literal');
      if (text[position] === '\\') this.escape();
    }
    this.position += 1;
  }

  escape() {
    this.position += 1;
    const { text, position } = this;
    if (position >= text.length) this.fail('Unterminated string');
    if (text[position] === 'u') {
      const [digits] = /^[0-9a-fA-F]{0,4}/.exec(text.slice(position + 1, position + 5));
      if (digits.length < 4) this.fail('Bad Unicode escape', position + 1 + digits.length);
      this.position += 4;
    } else if (!'"\\/bfnrt'.includes(text[position])) {
      this.fail('Bad escaped character');
    }
  }

  array() {
    this.position += 1;
    this.skip();
    if (this.text[this.position] === ']') {
      this.position += 1;
      return;
    }
    for (;;) {
      this.value();
      this.skip();
      const character = this.text[this.position];
      if (character !== ',' && character !== ']') this.fail("Expected ',' or ']' after array element");
      this.position += 1;
      if (character === ']') return;
    }
  }

  object() {
    this.position += 1;
    this.skip();
    if (this.text[this.position] === '}') {
      this.position += 1;
      return;
    }
    for (let isFirst = true; ; isFirst = false) {
      this.skip();
      if (this.text[this.position] !== '"')
        this.fail(isFirst ? "Expected property name or '}'" : 'Expected double-quoted property name');
      this.string();
      this.skip();
      if (this.text[this.position] !== ':') this.fail("Expected ':' after property name");
      this.position += 1;
      this.value();
      this.skip();
      const character = this.text[this.position];
      if (character !== ',' && character !== '}') this.fail("Expected ',' or '}' after property value");
      this.position += 1;
      if (character === '}') return;
    }
  }
}

function reasonOf(text) {
  const reader = new Reader(text);
  try {
    reader.value();
    reader.skip();
    if (reader.position < text.length) reader.fail('Unexpected non-whitespace character after JSON');
  } catch (found) {
    if (found instanceof Found) return found.message.replace(/^(Unexpected non-whitespace.*) in JSON at/, '$1 at');
  }
  return undefined;
}

// The chain of properties that leads from an object back to itself.
function cycleOf(value) {
  const path = [];
  function search(object) {
    const start = path.findIndex((entry) => entry.object === object);
    if (start >= 0) return path.slice(start);
    const entry = { object, key: undefined };
    path.push(entry);
    for (const key of Object.keys(object)) {
      const inner = object[key];
      if (typeof inner !== 'object' || inner === null || typeof inner.toJSON === 'function') continue;
      entry.key = key;
      const found = search(inner);
      if (found !== undefined) return found;
    }
    path.pop();
    return undefined;
  }
  return search(value);
}

function describeCycle(value) {
  const cycle = cycleOf(value);
  if (cycle === undefined) return 'Converting circular structure to JSON';
  const owner = ({ object }) => `object with constructor '${object.constructor?.name ?? 'Object'}'`;
  const name = ({ object, key }) => (Array.isArray(object) ? `index ${key}` : `property '${key}'`);
  const lines = ['Converting circular structure to JSON', `    --> starting at ${owner(cycle[0])}`];
  const middle = cycle.slice(0, -1).map((entry, index) => `    |     ${name(entry)} -> ${owner(cycle[index + 1])}`);
  lines.push(...(middle.length > 3 ? [...middle.slice(0, 2), '    |     ...', middle.at(-1)] : middle));
  lines.push(`    --- ${name(cycle.at(-1))} closes the circle`);
  return lines.join('\n');
}

const methods = {
  parse(text, reviver) {
    try {
      return parse(text, reviver);
    } catch (error) {
      if (error instanceof SyntaxError) {
        const reason = reasonOf(String(text));
        if (reason !== undefined) error.message = reason;
      }
      throw error;
    }
  },
  stringify(value, replacer, space) {
    try {
      return stringify(value, replacer, space);
    } catch (error) {
      if (error instanceof TypeError && error.message === 'circular reference') error.message = describeCycle(value);
      throw error;
    }
  },
};

export function installJson() {
  for (const name of ['parse', 'stringify']) {
    Object.defineProperty(JSON, name, { value: methods[name], writable: true, configurable: true, enumerable: false });
  }
}
