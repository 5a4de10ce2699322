// console.table.

import { className } from 'internal:binding';
import { inspect } from './inspect.js';
import { width } from './quote.js';

const INDEX = '(index)';
const VALUES = 'Values';

function cell(value) {
  const depth =
    value !== null && typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length > 2 ? -1 : 0;
  return inspect(value, { maxArrayLength: 3, breakLength: Infinity, depth });
}

// [label, value] for every row, and the head of the first column.
function rowsOf(data) {
  const kind = className(data);
  if (kind === 'Map') return ['(iteration index)', [...data].map(([key, value], index) => [index, value, key])];
  if (kind === 'Set') return ['(iteration index)', [...data].map((value, index) => [index, value])];
  return [INDEX, Object.keys(data).map((key) => [key, data[key]])];
}

const isObject = (value) => value !== null && (typeof value === 'object' || typeof value === 'function');

export function table(data, properties) {
  const [head, rows] = rowsOf(data);
  const isMap = className(data) === 'Map';
  // An object: node's columns with integer names come first.
  const columns = Object.create(null);
  const values = [];
  rows.forEach(([, value], row) => {
    if (!isObject(value) || isMap) {
      values[row] = cell(value);
      return;
    }
    for (const key of properties ?? Object.keys(value)) {
      columns[key] ??= [];
      if (Object.prototype.hasOwnProperty.call(value, key)) columns[key][row] = cell(value[key]);
    }
  });
  const heads = [head];
  const lists = [rows.map(([label]) => String(label))];
  if (isMap) {
    heads.push('Key');
    lists.push(rows.map(([, , key]) => cell(key)));
  }
  for (const [key, list] of Object.entries(columns)) {
    heads.push(key);
    lists.push(list);
  }
  if (values.length > 0) {
    heads.push(VALUES);
    lists.push(values);
  }
  return draw(heads, lists, rows.length);
}

function draw(heads, lists, count) {
  const widths = heads.map((head, column) => {
    let longest = width(head);
    for (let row = 0; row < count; row++) longest = Math.max(longest, width(lists[column][row] ?? ''));
    return longest + 2;
  });
  const line = (left, middle, right) => left + widths.map((size) => '─'.repeat(size)).join(middle) + right;
  const row = (cells) => `│${cells.map((text, column) => pad(text, widths[column])).join('│')}│`;
  const body = Array.from({ length: count }, (_, index) => row(lists.map((list) => list[index] ?? '')));
  const lines = [line('┌', '┬', '┐'), row(heads), line('├', '┼', '┤'), ...body, line('└', '┴', '┘')];
  return lines.join('\n');
}

function pad(text, size) {
  return ` ${text}${' '.repeat(Math.max(0, size - width(text) - 1))}`;
}
