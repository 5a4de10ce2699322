// Strings, keys and numbers as inspect() shows them.

const SPECIAL = /[\x00-\x1f\x27\x5c\x7f-\x9f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const SPECIAL_ALL = new RegExp(SPECIAL.source, 'g');
const NAMED = { '\b': '\\b', '\t': '\\t', '\n': '\\n', '\f': '\\f', '\r': '\\r', '\\': '\\\\', "'": "\\'" };
const PLAIN_KEY = /^[a-zA-Z_][a-zA-Z_0-9]*$/;

function escapeCharacter(character, quote) {
  if (character === "'" && quote !== "'") return character;
  const named = NAMED[character];
  if (named !== undefined) return named;
  const code = character.charCodeAt(0);
  return code < 256 ? `\\x${code.toString(16).toUpperCase().padStart(2, '0')}` : `\\u${code.toString(16)}`;
}

function bestQuote(text) {
  if (!text.includes("'")) return "'";
  if (!text.includes('"')) return '"';
  return text.includes('`') || text.includes('${') ? "'" : '`';
}

export function quote(text) {
  if (!SPECIAL.test(text)) return `'${text}'`;
  const mark = bestQuote(text);
  return mark + text.replace(SPECIAL_ALL, (character) => escapeCharacter(character, mark)) + mark;
}

export function quoteKey(key) {
  if (typeof key === 'symbol') {
    const shown = String(key).replace(SPECIAL_ALL, (character) => escapeCharacter(character, '"'));
    return `[${shown}]`;
  }
  if (key === '__proto__') return "['__proto__']";
  return PLAIN_KEY.test(key) ? key : quote(key);
}

export function showNumber(value, separators = false) {
  if (Object.is(value, -0)) return '-0';
  return separators ? groupDigits(String(value)) : String(value);
}

export function showBigInt(value, separators = false) {
  return `${separators ? groupDigits(String(value)) : value}n`;
}

function groupDigits(text) {
  const [whole, fraction] = text.split('.');
  if (text.includes('e') || text.includes('n') || text.includes('N')) return text;
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, '_');
  return fraction === undefined ? grouped : `${grouped}.${fraction.replace(/(\d{3})(?=\d)/g, '$1_')}`;
}

// Columns that a text takes in a terminal: wide characters two, combining ones none.
export function width(text) {
  if (!/[^\x20-\x7e]/.test(text)) return text.length;
  let columns = 0;
  for (const character of text.normalize('NFC')) columns += characterWidth(character.codePointAt(0));
  return columns;
}

const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]$/u;

function characterWidth(code) {
  if (code < 0x7f) return code < 0x20 ? 0 : 1;
  if (isWide(code)) return 2;
  return ZERO_WIDTH.test(String.fromCodePoint(code)) ? 0 : 1;
}

const WIDE = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x23e9, 0x23ec],
  [0x2614, 0x2615],
  [0x2648, 0x2653],
  [0x26a1, 0x26a1],
  [0x26bd, 0x26be],
  [0x26d4, 0x26d4],
  [0x2705, 0x2705],
  [0x274c, 0x274c],
  [0x2728, 0x2728],
  [0x2753, 0x2755],
  [0x2795, 0x2797],
  [0x2b50, 0x2b50],
  [0x2b55, 0x2b55],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f320],
  [0x1f32d, 0x1f335],
  [0x1f337, 0x1f37c],
  [0x1f37e, 0x1f393],
  [0x1f3a0, 0x1f3ca],
  [0x1f3cf, 0x1f3d3],
  [0x1f3e0, 0x1f3f0],
  [0x1f3f8, 0x1f43e],
  [0x1f440, 0x1f440],
  [0x1f442, 0x1f4fc],
  [0x1f4ff, 0x1f53d],
  [0x1f54b, 0x1f567],
  [0x1f57a, 0x1f57a],
  [0x1f5a4, 0x1f5a4],
  [0x1f5fb, 0x1f64f],
  [0x1f680, 0x1f6c5],
  [0x1f6cc, 0x1f6cc],
  [0x1f6d0, 0x1f6d2],
  [0x1f6d5, 0x1f6d7],
  [0x1f6eb, 0x1f6ec],
  [0x1f6f4, 0x1f6fc],
  [0x1f7e0, 0x1f7eb],
  [0x1f90c, 0x1f9ff],
  [0x1fa70, 0x1faff],
  [0x20000, 0x3fffd],
];

function isWide(code) {
  return WIDE.some(([first, last]) => code >= first && code <= last);
}
