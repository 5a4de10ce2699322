// The modules 'readline' and 'readline/promises'.

import { StringDecoder } from './encodings.js';
import { codedError } from './errors.js';
import { EventEmitter } from './events.js';

const LINE_END = /\r\n|\n|\r|\u2028|\u2029/g;

class Interface extends EventEmitter {
  constructor(input, output, completer, terminal) {
    super();
    const options = input && input.input ? input : { input, output, completer, terminal };
    this.input = options.input;
    this.output = options.output;
    this.terminal = Boolean(options.terminal);
    this.line = '';
    this.closed = false;
    this.promptText = options.prompt ?? '> ';
    this.answer = undefined;
    this.partial = '';
    this.sawReturn = false;
    this.decoder = new StringDecoder('utf8');
    this.input.on('data', (chunk) => this.feed(this.decoder.write(chunk)));
    this.input.on('end', () => this.finish());
    this.input.resume();
  }

  feed(text) {
    const fresh = this.sawReturn && text.startsWith('\n') ? text.slice(1) : text;
    this.sawReturn = text.endsWith('\r');
    const lines = (this.partial + fresh).split(LINE_END);
    this.partial = lines.pop();
    for (const line of lines) this.take(line);
  }

  take(line) {
    const { answer } = this;
    if (answer !== undefined) {
      this.answer = undefined;
      answer(line);
    } else {
      this.emit('line', line);
    }
  }

  finish() {
    const rest = this.partial + this.decoder.end();
    this.partial = '';
    if (rest !== '') this.take(rest);
    this.close();
  }

  question(query, options, callback) {
    const done = typeof options === 'function' ? options : callback;
    if (this.closed) throw codedError(Error, 'ERR_USE_AFTER_CLOSE', 'readline was closed');
    if (typeof done !== 'function') return;
    if (this.answer !== undefined) {
      this.prompt();
      return;
    }
    this.output?.write(String(query));
    this.answer = done;
    this.input.resume();
  }

  prompt() {
    this.input.resume();
    this.output?.write(this.promptText);
  }

  setPrompt(text) {
    this.promptText = text;
  }

  getPrompt() {
    return this.promptText;
  }

  write(text) {
    if (text !== undefined && text !== null) this.feed(String(text));
  }

  pause() {
    this.input.pause();
    this.emit('pause');
    return this;
  }

  resume() {
    this.input.resume();
    this.emit('resume');
    return this;
  }

  close() {
    if (this.closed) return;
    this.input.pause();
    this.closed = true;
    this.emit('close');
  }

  getCursorPos() {
    return { rows: 0, cols: 0 };
  }

  [Symbol.dispose ?? Symbol.for('dispose')]() {
    this.close();
  }

  async *[Symbol.asyncIterator]() {
    const lines = [];
    let wake = () => {};
    let isClosed = this.closed;
    this.on('line', (line) => {
      lines.push(line);
      wake();
    });
    this.on('close', () => {
      isClosed = true;
      wake();
    });
    try {
      for (;;) {
        while (lines.length > 0) yield lines.shift();
        if (isClosed) return;
        await new Promise((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      this.close();
    }
  }
}

class PromiseInterface extends Interface {
  question(query) {
    return new Promise((resolve, reject) => {
      try {
        super.question(query, resolve);
      } catch (error) {
        reject(error);
      }
    });
  }
}

Object.defineProperty(Interface.prototype.question, Symbol.for('nodejs.util.promisify.custom'), {
  value(query) {
    return new Promise((resolve, reject) => {
      try {
        this.question(query, resolve);
      } catch (error) {
        reject(error);
      }
    });
  },
});

const done = (callback) => {
  callback?.();
  return true;
};

export const readlinePromises = {
  Interface: PromiseInterface,
  createInterface: (...options) => new PromiseInterface(...options),
};

export const readline = {
  Interface,
  createInterface: (...options) => new Interface(...options),
  clearLine: (stream, direction, callback) => done(callback),
  clearScreenDown: (stream, callback) => done(callback),
  cursorTo: (stream, x, y, callback) => done(callback),
  moveCursor: (stream, dx, dy, callback) => done(callback),
  emitKeypressEvents() {},
  promises: readlinePromises,
};
