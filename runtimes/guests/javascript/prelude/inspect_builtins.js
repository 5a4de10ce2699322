// How inspect() shows the objects of the language: maps, dates, promises, buffers, ...

import { iteratorPreview, promiseDetails } from 'internal:binding';
import { keysOf, show, withMore } from './inspect.js';
import { errorForm } from './inspect_errors.js';

function mapForm(context, value, prefix) {
  const keys = keysOf(context, value, false);
  const start = prefix('Map', `(${value.size})`);
  if (value.size === 0 && keys.length === 0) return { whole: `${start}{}` };
  const pieces = (level) => {
    const shown = limited(
      context,
      Map.prototype.entries.call(value),
      ([key, item]) => `${show(context, key, level)} => ${show(context, item, level)}`,
    );
    return withMore(shown, value.size - shown.length);
  };
  return { braces: [`${start}{`, '}'], keys, pieces };
}

function setForm(context, value, prefix) {
  const keys = keysOf(context, value, false);
  const start = prefix('Set', `(${value.size})`);
  if (value.size === 0 && keys.length === 0) return { whole: `${start}{}` };
  const pieces = (level) => {
    const shown = limited(context, Set.prototype.values.call(value), (item) => show(context, item, level));
    return withMore(shown, value.size - shown.length);
  };
  return { braces: [`${start}{`, '}'], keys, pieces };
}

function limited(context, items, showItem) {
  const pieces = [];
  context.indentation += 2;
  for (const item of items) {
    if (pieces.length >= context.maxArrayLength) break;
    pieces.push(showItem(item));
  }
  context.indentation -= 2;
  return pieces;
}

function iteratorForm(context, value, name) {
  const [isEntries, ...items] = iteratorPreview(value);
  const pieces = (level) => {
    const shown = limited(context, items, (item) => show(context, item, level));
    return withMore(shown, items.length - shown.length);
  };
  const title = isEntries ? `${name} Entries` : `${name} Iterator`;
  return { braces: [`[${title}] {`, '}'], keys: keysOf(context, value, false), pieces, isList: isEntries };
}

function dateForm(context, value, prefix) {
  const time = Date.prototype.getTime.call(value);
  const text = Number.isNaN(time) ? 'Invalid Date' : Date.prototype.toISOString.call(value);
  return textForm(context, value, text, prefix('Date'), 'Date ', 'date');
}

function regexpForm(context, value, prefix, level) {
  const text = RegExp.prototype.toString.call(value);
  const form = textForm(context, value, text, prefix('RegExp'), 'RegExp ', 'regexp');
  return level > context.depth && context.depth !== null ? { whole: form.whole ?? form.base } : form;
}

function textForm(context, value, text, prefix, usual, style) {
  const base = prefix === usual ? text : prefix + text;
  const keys = keysOf(context, value, false);
  return keys.length === 0 ? { whole: context.stylize(base, style) } : { base, braces: ['{', '}'], keys };
}

function bufferForm(context, value, prefix) {
  const bytes = new Uint8Array(value);
  const limit = Math.min(Math.max(0, context.maxArrayLength), bytes.length);
  let text = Array.from(bytes.subarray(0, limit), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  if (bytes.length > limit) text += ` ... ${bytes.length - limit} more byte${bytes.length - limit > 1 ? 's' : ''}`;
  const pieces = () => [`[Uint8Contents]: <${text}>`, `byteLength: ${bytes.length}`];
  return { braces: [`${prefix('ArrayBuffer')}{`, '}'], keys: keysOf(context, value, false), pieces };
}

function dataViewForm(context, value, prefix) {
  const pieces = (level) =>
    ['byteLength', 'byteOffset', 'buffer'].map((key) => {
      context.indentation += 2;
      const shown = `${key}: ${show(context, value[key], level)}`;
      context.indentation -= 2;
      return shown;
    });
  return { braces: [`${prefix('DataView')}{`, '}'], keys: keysOf(context, value, false), pieces };
}

function promiseForm(context, value, prefix) {
  const pieces = (level) => {
    const [state, result] = promiseDetails(value);
    if (state === 0) return [context.stylize('<pending>', 'special')];
    context.indentation += 2;
    const shown = show(context, result, level);
    context.indentation -= 2;
    return [state === 2 ? `${context.stylize('<rejected>', 'special')} ${shown}` : shown];
  };
  return { braces: [`${prefix('Promise')}{`, '}'], keys: keysOf(context, value, false), pieces };
}

function opaqueForm(fallback) {
  return (context, value, prefix) => ({
    braces: [`${prefix(fallback)}{`, '}'],
    keys: keysOf(context, value, false),
    pieces: () => [context.stylize('<items unknown>', 'special')],
  });
}

function argumentsForm(context, value) {
  const keys = keysOf(context, value, false);
  return keys.length === 0 ? { whole: '[Arguments] {}' } : { braces: ['[Arguments] {', '}'], keys };
}

function moduleForm(context, value) {
  const keys = Object.keys(value);
  return keys.length === 0
    ? { whole: '[Module: null prototype] {}' }
    : { braces: ['[Module: null prototype] {', '}'], keys };
}

export const FORMS = {
  Map: mapForm,
  Set: setForm,
  'Map Iterator': (context, value) => iteratorForm(context, value, 'Map'),
  'Set Iterator': (context, value) => iteratorForm(context, value, 'Set'),
  Date: dateForm,
  RegExp: regexpForm,
  Error: errorForm,
  DOMException: errorForm,
  ArrayBuffer: bufferForm,
  SharedArrayBuffer: bufferForm,
  DataView: dataViewForm,
  Promise: promiseForm,
  WeakMap: opaqueForm('WeakMap'),
  WeakSet: opaqueForm('WeakSet'),
  Arguments: argumentsForm,
  Module: moduleForm,
};
