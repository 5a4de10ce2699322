// Text and bytes: utf8, hex, base64, latin1, ascii, utf16le.

import { utf8Decode, utf8Encode } from 'internal:binding';

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const BASE64_URL = `${BASE64.slice(0, 62)}-_`;
const DIGITS = new Map([...BASE64].map((digit, index) => [digit, index]));
DIGITS.set('-', 62);
DIGITS.set('_', 63);

const NAMES = {
  utf8: 'utf8',
  'utf-8': 'utf8',
  hex: 'hex',
  base64: 'base64',
  base64url: 'base64url',
  latin1: 'latin1',
  binary: 'latin1',
  ascii: 'ascii',
  ucs2: 'utf16le',
  'ucs-2': 'utf16le',
  utf16le: 'utf16le',
  'utf-16le': 'utf16le',
};

// The usual name of an encoding, undefined for none.
export function encodingName(name) {
  return name === undefined || name === null || name === '' ? 'utf8' : NAMES[String(name).toLowerCase()];
}

const toHex = (bytes) => {
  let text = '';
  for (const byte of bytes) text += (byte < 16 ? '0' : '') + byte.toString(16);
  return text;
};

function fromHex(text) {
  const bytes = [];
  for (let index = 0; index + 1 < text.length; index += 2) {
    const pair = text.slice(index, index + 2);
    if (!/^[0-9a-fA-F]{2}$/.test(pair)) break;
    bytes.push(Number.parseInt(pair, 16));
  }
  return Uint8Array.from(bytes);
}

function toBase64(bytes, alphabet, padded) {
  let text = '';
  for (let index = 0; index < bytes.length; index += 3) {
    const left = bytes.length - index;
    const group = (bytes[index] << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0);
    text += alphabet[group >> 18] + alphabet[(group >> 12) & 63];
    if (left > 1) text += alphabet[(group >> 6) & 63];
    if (left > 2) text += alphabet[group & 63];
    if (padded && left < 3) text += '='.repeat(3 - left);
  }
  return text;
}

function fromBase64(text) {
  const bytes = [];
  let bits = 0;
  let count = 0;
  for (const character of text) {
    if (character === '=') break;
    const digit = DIGITS.get(character);
    if (digit === undefined) continue;
    bits = ((bits << 6) | digit) & 0xffffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push((bits >> count) & 255);
    }
  }
  return Uint8Array.from(bytes);
}

function toLatin1(bytes, mask) {
  let text = '';
  for (let start = 0; start < bytes.length; start += 4096) {
    const part = bytes.subarray(start, start + 4096);
    text += String.fromCharCode(...(mask === 255 ? part : part.map((byte) => byte & mask)));
  }
  return text;
}

function toUtf16(bytes) {
  let text = '';
  for (let index = 0; index + 1 < bytes.length; index += 2)
    text += String.fromCharCode(bytes[index] | (bytes[index + 1] << 8));
  return text;
}

function fromUtf16(text) {
  const bytes = new Uint8Array(text.length * 2);
  for (let index = 0; index < text.length; index++) {
    bytes[2 * index] = text.charCodeAt(index) & 255;
    bytes[2 * index + 1] = text.charCodeAt(index) >> 8;
  }
  return bytes;
}

export function decode(bytes, encoding) {
  switch (encoding) {
    case 'hex':
      return toHex(bytes);
    case 'base64':
      return toBase64(bytes, BASE64, true);
    case 'base64url':
      return toBase64(bytes, BASE64_URL, false);
    case 'latin1':
      return toLatin1(bytes, 255);
    case 'ascii':
      return toLatin1(bytes, 127);
    case 'utf16le':
      return toUtf16(bytes);
    default:
      return utf8Decode(bytes);
  }
}

export function encode(text, encoding) {
  switch (encoding) {
    case 'hex':
      return fromHex(text);
    case 'base64':
    case 'base64url':
      return fromBase64(text);
    case 'latin1':
    case 'ascii':
      return Uint8Array.from(text, (character) => character.charCodeAt(0) & 255);
    case 'utf16le':
      return fromUtf16(text);
    default:
      return utf8Encode(text.toWellFormed());
  }
}

// How many bytes at the end begin a UTF-8 character that is not complete yet.
export function incompleteTail(bytes) {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back];
    if ((byte & 0xc0) === 0x80) continue;
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return size > back ? back : 0;
  }
  return 0;
}

// Decodes a stream of chunks: the beginning of a character waits for its end.
export class StringDecoder {
  constructor(encoding) {
    this.encoding = encodingName(encoding) ?? 'utf8';
    this.pending = new Uint8Array(0);
  }

  write(chunk) {
    if (typeof chunk === 'string') return chunk;
    const bytes = new Uint8Array(this.pending.length + chunk.length);
    bytes.set(this.pending);
    bytes.set(chunk, this.pending.length);
    const kept = this.encoding === 'utf8' ? incompleteTail(bytes) : this.tailOf(bytes.length);
    this.pending = bytes.slice(bytes.length - kept);
    return decode(bytes.subarray(0, bytes.length - kept), this.encoding);
  }

  tailOf(length) {
    if (this.encoding === 'base64') return length % 3;
    return this.encoding === 'utf16le' ? length % 2 : 0;
  }

  end(chunk) {
    const text = chunk === undefined ? '' : this.write(chunk);
    const rest = this.pending.length > 0 ? decode(this.pending, this.encoding) : '';
    this.pending = new Uint8Array(0);
    return text + rest;
  }
}
