// TextEncoder and TextDecoder.

import { decode, encode, incompleteTail } from './encodings.js';

const LABELS = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'utf-16le': 'utf-16le',
  'utf-16': 'utf-16le',
  latin1: 'windows-1252',
  'iso-8859-1': 'windows-1252',
  ascii: 'windows-1252',
  'windows-1252': 'windows-1252',
};
const DECODERS = { 'utf-8': 'utf8', 'utf-16le': 'utf16le', 'windows-1252': 'latin1' };

export class TextEncoder {
  get encoding() {
    return 'utf-8';
  }

  encode(text = '') {
    return encode(String(text), 'utf8');
  }

  encodeInto(text, target) {
    const bytes = encode(text, 'utf8');
    let written = Math.min(bytes.length, target.length);
    written -= written < bytes.length ? incompleteTail(bytes.subarray(0, written)) : 0;
    target.set(bytes.subarray(0, written));
    return { read: decode(bytes.subarray(0, written), 'utf8').length, written };
  }
}

export class TextDecoder {
  #encoding;
  #options;
  #pending = new Uint8Array(0);

  constructor(label = 'utf-8', options = {}) {
    this.#encoding = LABELS[String(label).trim().toLowerCase()];
    if (this.#encoding === undefined) throw new RangeError(`The "${label}" encoding is not supported`);
    this.#options = options;
  }

  get encoding() {
    return this.#encoding;
  }

  get fatal() {
    return Boolean(this.#options.fatal);
  }

  get ignoreBOM() {
    return Boolean(this.#options.ignoreBOM);
  }

  decode(input = new Uint8Array(0), { stream = false } = {}) {
    const fresh = ArrayBuffer.isView(input)
      ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
      : new Uint8Array(input);
    const bytes = new Uint8Array(this.#pending.length + fresh.length);
    bytes.set(this.#pending);
    bytes.set(fresh, this.#pending.length);
    const kept = stream && this.#encoding === 'utf-8' ? incompleteTail(bytes) : 0;
    this.#pending = bytes.slice(bytes.length - kept);
    const text = decode(bytes.subarray(0, bytes.length - kept), DECODERS[this.#encoding]);
    if (this.fatal && text.includes('\ufffd')) {
      throw Object.assign(new TypeError('The encoded data was not valid for encoding utf-8'), {
        code: 'ERR_ENCODING_INVALID_ENCODED_DATA',
      });
    }
    return text.startsWith('\ufeff') && !this.ignoreBOM ? text.slice(1) : text;
  }
}
