// URL, URLSearchParams, and the modules 'url' and 'querystring'.

import { codedError } from './errors.js';
import { custom, inspect } from './inspect.js';

const PORTS = { 'http:': '80', 'https:': '443', 'ftp:': '21', 'ws:': '80', 'wss:': '443' };
const isSpecial = (protocol) => Object.hasOwn(PORTS, protocol) || protocol === 'file:';
const PARTS =
  /^([a-zA-Z][a-zA-Z0-9+.-]*:)(?:\/\/(?:([^/?#@]*)@)?(\[[^\]]*\]|[^/?#:]*)(?::(\d*))?)?([^?#]*)(\?[^#]*)?(#.*)?$/s;

// Percent-encodes what is not ASCII, and the ASCII characters in `extra`.
function escaped(text, extra) {
  return text.replace(new RegExp(`[^\\x21-\\x7e]|[${extra}]`, 'gu'), (character) => {
    try {
      return /[!'()*~]/.test(character)
        ? `%${character.charCodeAt(0).toString(16).toUpperCase()}`
        : encodeURIComponent(character);
    } catch {
      return '%EF%BF%BD';
    }
  });
}

const encodeForm = (text) =>
  escaped(text.toWellFormed(), '!"#$%&\'()+,/:;<=>?@\\[\\]^`{|}~\\\\').replaceAll('%20', '+');

function decodeForm(text) {
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced.replace(/(%[0-9a-f]{2})+/gi, (bytes) => {
      try {
        return decodeURIComponent(bytes);
      } catch {
        return bytes;
      }
    });
  }
}

export class URLSearchParams {
  #pairs = [];
  #changed;

  constructor(init = '', changed = () => {}) {
    this.#changed = changed;
    if (typeof init === 'object' && init !== null) {
      const pairs = typeof init[Symbol.iterator] === 'function' ? init : Object.entries(init);
      for (const [name, value] of pairs) this.#pairs.push([String(name), String(value)]);
    } else {
      this.#parse(String(init));
    }
  }

  #parse(text) {
    for (const part of text.replace(/^\?/, '').split('&')) {
      if (part === '') continue;
      const equals = part.indexOf('=');
      const name = equals < 0 ? part : part.slice(0, equals);
      this.#pairs.push([decodeForm(name), equals < 0 ? '' : decodeForm(part.slice(equals + 1))]);
    }
  }

  get size() {
    return this.#pairs.length;
  }

  append(name, value) {
    this.#pairs.push([String(name), String(value)]);
    this.#changed(this);
  }

  delete(name, value) {
    this.#pairs = this.#pairs.filter(
      (pair) => pair[0] !== String(name) || (value !== undefined && pair[1] !== String(value)),
    );
    this.#changed(this);
  }

  get(name) {
    return this.#pairs.find((pair) => pair[0] === String(name))?.[1] ?? null;
  }

  getAll(name) {
    return this.#pairs.filter((pair) => pair[0] === String(name)).map((pair) => pair[1]);
  }

  has(name, value) {
    return this.#pairs.some((pair) => pair[0] === String(name) && (value === undefined || pair[1] === String(value)));
  }

  set(name, value) {
    const found = this.#pairs.find((pair) => pair[0] === String(name));
    if (found === undefined) this.#pairs.push([String(name), String(value)]);
    else {
      found[1] = String(value);
      this.#pairs = this.#pairs.filter((pair) => pair === found || pair[0] !== String(name));
    }
    this.#changed(this);
  }

  sort() {
    this.#pairs.sort((a, b) => (a[0] < b[0] ? -1 : Number(a[0] > b[0])));
    this.#changed(this);
  }

  forEach(callback, self) {
    for (const [name, value] of this.#pairs) callback.call(self, value, name, this);
  }

  *keys() {
    for (const [name] of this.#pairs) yield name;
  }

  *values() {
    for (const [, value] of this.#pairs) yield value;
  }

  *entries() {
    for (const pair of this.#pairs) yield [...pair];
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  toString() {
    return this.#pairs.map(([name, value]) => `${encodeForm(name)}=${encodeForm(value)}`).join('&');
  }

  [custom](depth, options) {
    const shown = this.#pairs.map(([name, value]) => `${inspect(name, options)} => ${inspect(value, options)}`);
    return shown.length === 0 ? 'URLSearchParams {}' : `URLSearchParams { ${shown.join(', ')} }`;
  }
}

function invalidUrl(input) {
  const error = codedError(TypeError, 'ERR_INVALID_URL', 'Invalid URL');
  error.input = input;
  return error;
}

function cleanPath(path) {
  const parts = [];
  const pieces = path.split('/').slice(1);
  pieces.forEach((piece, index) => {
    const isLast = index === pieces.length - 1;
    if (/^(\.|%2e){2}$/i.test(piece)) {
      parts.pop();
      if (isLast) parts.push('');
    } else if (/^(\.|%2e)$/i.test(piece)) {
      if (isLast) parts.push('');
    } else {
      parts.push(piece);
    }
  });
  return `/${parts.join('/')}`;
}

function absolute(input, base) {
  if (/^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(input)) return input;
  if (base === undefined) throw invalidUrl(input);
  const root = new URL(base);
  if (input.startsWith('//')) return root.protocol + input;
  const password = root.password ? `:${root.password}` : '';
  const user = root.username ? `${root.username}${password}@` : '';
  const origin = `${root.protocol}//${user}${root.host}`;
  if (input.startsWith('/')) return origin + input;
  if (input.startsWith('?')) return origin + root.pathname + input;
  if (input.startsWith('#') || input === '') return origin + root.pathname + root.search + input;
  return origin + root.pathname.replace(/[^/]*$/, '') + input;
}

export class URL {
  #parts;
  #params;

  constructor(input, base) {
    const text = absolute(
      String(input)
        .trim()
        .replace(/[\t\n\r]/g, ''),
      base === undefined ? undefined : String(base),
    );
    const match = PARTS.exec(text);
    if (match === null) throw invalidUrl(String(input));
    const protocol = match[1].toLowerCase();
    const special = isSpecial(protocol);
    const source = special && match[3] === undefined ? PARTS.exec(text.replace(/^([^:]+:)\/*/, '$1//')) : match;
    const [, , user = '', host = '', port = '', path = '', search = '', hash = ''] = source;
    if ((special && protocol !== 'file:' && host === '') || /[ <>^|%]/.test(host) || Number(port) > 65535)
      throw invalidUrl(String(input));
    const [username, password = ''] = user.split(/:(.*)/s);
    const slashed = special ? path.replaceAll('\\', '/') : path;
    const pathname =
      special || slashed.startsWith('/') ? cleanPath(slashed.startsWith('/') ? slashed : `/${slashed}`) : slashed;
    this.#parts = {
      protocol,
      username: escaped(username, '"#<>?`{}/:;=@\\[\\]^|'),
      password: escaped(password, '"#<>?`{}/:;=@\\[\\]^|'),
      hostname: special ? host.toLowerCase() : host,
      port: port === '' || Number(port) === Number(PORTS[protocol] ?? -1) ? '' : String(Number(port)),
      pathname: escaped(pathname, '"#<>?`{}'),
      search: search === '?' ? '' : escaped(search, `"#<>${special ? "'" : ''}`),
      hash: hash === '#' ? '' : escaped(hash, '"<>`'),
      slashes: special || match[3] !== undefined,
    };
    this.#params = new URLSearchParams(this.#parts.search, (params) => {
      const query = String(params);
      this.#parts.search = query ? `?${query}` : '';
    });
  }

  static canParse(input, base) {
    return URL.parse(input, base) !== null;
  }

  static parse(input, base) {
    try {
      return new URL(input, base);
    } catch {
      return null;
    }
  }

  get href() {
    const { protocol, username, password, pathname, search, hash, slashes } = this.#parts;
    const user = username || password ? `${username}${password ? `:${password}` : ''}@` : '';
    return `${protocol}${slashes ? '//' : ''}${user}${this.host}${pathname}${search}${hash}`;
  }

  get origin() {
    return Object.hasOwn(PORTS, this.protocol) ? `${this.protocol}//${this.host}` : 'null';
  }

  get host() {
    const { hostname, port } = this.#parts;
    return port === '' ? hostname : `${hostname}:${port}`;
  }

  set host(value) {
    const [hostname, port = ''] = String(value).split(':');
    this.#parts.hostname = hostname.toLowerCase();
    this.port = port;
  }

  get port() {
    return this.#parts.port;
  }

  set port(value) {
    this.#parts.port = String(value) === PORTS[this.protocol] ? '' : String(value);
  }

  get protocol() {
    return this.#parts.protocol;
  }

  set protocol(value) {
    this.#parts.protocol = `${String(value).replace(/:.*$/, '').toLowerCase()}:`;
  }

  get pathname() {
    return this.#parts.pathname;
  }

  set pathname(value) {
    const path = String(value);
    this.#parts.pathname = escaped(cleanPath(path.startsWith('/') ? path : `/${path}`), '"#<>?`{}');
  }

  get search() {
    return this.#parts.search;
  }

  set search(value) {
    const text = String(value).replace(/^\?/, '');
    this.#parts.search = text === '' ? '' : `?${escaped(text, '"#<>\'')}`;
    this.#params = new URLSearchParams(text, (params) => {
      const query = String(params);
      this.#parts.search = query ? `?${query}` : '';
    });
  }

  get searchParams() {
    return this.#params;
  }

  toString() {
    return this.href;
  }

  toJSON() {
    return this.href;
  }

  [custom](depth, options) {
    const shown = {};
    const names = [
      'href',
      'origin',
      'protocol',
      'username',
      'password',
      'host',
      'hostname',
      'port',
      'pathname',
      'search',
      'searchParams',
      'hash',
    ];
    for (const name of names) shown[name] = this[name];
    return `URL ${inspect(shown, options)}`;
  }

  static plainParts(url) {
    return url.#parts;
  }
}

for (const name of ['username', 'password', 'hostname', 'hash']) {
  Object.defineProperty(URL.prototype, name, {
    configurable: true,
    enumerable: true,
    get() {
      return URL.plainParts(this)[name];
    },
    set(value) {
      const text = String(value);
      URL.plainParts(this)[name] = name === 'hash' && text !== '' && !text.startsWith('#') ? `#${text}` : text;
    },
  });
}

function parse(text, parseQuery = false) {
  const { href, protocol, host, port, hostname, hash, search, pathname, username, password } = new URL(
    text,
    'http://localhost',
  );
  const isFull = /^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text);
  const query = search.slice(1);
  return {
    protocol: isFull ? protocol : null,
    slashes: isFull ? true : null,
    auth: username ? `${username}${password ? `:${password}` : ''}` : null,
    host: isFull ? host : null,
    port: port || null,
    hostname: isFull ? hostname : null,
    hash: hash || null,
    search: search || null,
    query: parseQuery ? querystring.parse(query) : query || null,
    pathname,
    path: pathname + search,
    href: isFull ? href : text,
  };
}

export const querystring = {
  parse(text) {
    const result = Object.create(null);
    for (const [name, value] of new URLSearchParams(text)) {
      result[name] = name in result ? [result[name], value].flat() : value;
    }
    return result;
  },
  stringify: (object) =>
    Object.entries(object)
      .flatMap(([name, value]) =>
        [value].flat().map((item) => `${encodeURIComponent(name)}=${encodeURIComponent(item)}`),
      )
      .join('&'),
  escape: encodeURIComponent,
  unescape: decodeURIComponent,
};

function format(value) {
  if (value instanceof URL) return value.href;
  const { protocol = '', host, hostname = '', pathname = '', search = '', hash = '' } = value;
  return `${protocol}//${host ?? hostname}${pathname}${search}${hash}`;
}

export const url = {
  URL,
  URLSearchParams,
  parse,
  resolve: (from, to) => new URL(to, from).href,
  format,
  fileURLToPath: (value) => decodeURIComponent(new URL(value).pathname),
  pathToFileURL: (path) => new URL(`file://${path}`),
};
