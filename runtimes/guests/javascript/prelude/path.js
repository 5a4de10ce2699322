// The module 'path' (posix).

function normalized(path, allowAbove) {
  const parts = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (allowAbove) parts.push('..');
  }
  return parts.join('/');
}

function normalize(path) {
  if (path === '') return '.';
  const isAbsolute = path.startsWith('/');
  let result = normalized(path, !isAbsolute);
  if (result === '' && !isAbsolute) result = '.';
  if (result !== '' && path.endsWith('/')) result += '/';
  return isAbsolute ? `/${result}` : result;
}

function join(...parts) {
  const joined = parts.filter((part) => part !== '').join('/');
  return joined === '' ? '.' : normalize(joined);
}

function resolve(...parts) {
  let path = '';
  for (const part of [...parts].reverse()) {
    if (part === '') continue;
    path = path === '' ? part : `${part}/${path}`;
    if (part.startsWith('/')) break;
  }
  const result = normalized(path.startsWith('/') ? path : `/${path}`, false);
  return `/${result}`;
}

function relative(from, to) {
  const start = resolve(from).split('/').filter(Boolean);
  const end = resolve(to).split('/').filter(Boolean);
  let shared = 0;
  while (shared < start.length && shared < end.length && start[shared] === end[shared]) shared += 1;
  return [...start.slice(shared).map(() => '..'), ...end.slice(shared)].join('/');
}

function basename(path, suffix) {
  const base = path.replace(/\/+$/, '').split('/').at(-1);
  return suffix !== undefined && base !== suffix && base.endsWith(suffix) ? base.slice(0, -suffix.length) : base;
}

function dirname(path) {
  const trimmed = path.replace(/(.)\/+$/, '$1');
  const slash = trimmed.lastIndexOf('/');
  if (slash < 0) return '.';
  return slash === 0 ? '/' : trimmed.slice(0, slash).replace(/(.)\/+$/, '$1');
}

function extname(path) {
  const base = basename(path);
  const dot = base.lastIndexOf('.');
  return dot <= 0 || base === '..' ? '' : base.slice(dot);
}

function parse(path) {
  const base = basename(path);
  const ext = extname(path);
  const root = path.startsWith('/') ? '/' : '';
  const dir = path.includes('/') ? dirname(path) : '';
  return { root, dir, base, ext, name: ext ? base.slice(0, -ext.length) : base };
}

function format({ dir, root = '', base, name = '', ext = '' }) {
  const file = base || name + (ext && !ext.startsWith('.') ? `.${ext}` : ext);
  if (!dir) return root + file;
  return dir === root ? dir + file : `${dir}/${file}`;
}

export const path = {
  normalize,
  join,
  resolve,
  relative,
  basename,
  dirname,
  extname,
  parse,
  format,
  isAbsolute: (text) => text.startsWith('/'),
  toNamespacedPath: (text) => text,
  sep: '/',
  delimiter: ':',
};
path.posix = path;
