// util.parseArgs.

import { codedError, invalidArgument } from './errors.js';

const unknown = (name, isPositionalAllowed) => {
  const advice = isPositionalAllowed
    ? `. To specify a positional argument starting with a '-', place it at the end of the command after '--', as in '-- "${name}"`
    : '';
  return codedError(TypeError, 'ERR_PARSE_ARGS_UNKNOWN_OPTION', `Unknown option '${name}'${advice}`);
};
const invalid = (text) => codedError(TypeError, 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE', text);

// The arguments as tokens: short options taken apart, values joined to their options.
function tokensOf(args, options) {
  const tokens = [];
  const rest = [...args];
  let index = -1;
  const typeOf = (name) => options[name]?.type;
  const byLetter = (letter) => Object.keys(options).find((name) => options[name].short === letter) ?? letter;
  const take = (name, rawName, value, inlineValue) => tokens.push({ kind: 'option', name, rawName, index, value, inlineValue });
  const follow = (name, rawName) => {
    const hasValue = typeOf(name) === 'string' && rest.length > 0;
    take(name, rawName, hasValue ? rest.shift() : undefined, hasValue ? false : undefined);
    if (hasValue) index += 1;
  };
  while (rest.length > 0) {
    const arg = rest.shift();
    index += 1;
    if (arg === '--') {
      tokens.push({ kind: 'option-terminator', index });
      for (const value of rest.splice(0)) tokens.push({ kind: 'positional', index: (index += 1), value });
    } else if (/^--[^=]+=/.test(arg)) {
      const [name, ...value] = arg.slice(2).split('=');
      take(name, `--${name}`, value.join('='), true);
    } else if (arg.startsWith('--')) follow(arg.slice(2), arg);
    else if (/^-[^-]/.test(arg)) {
      const letters = [...arg.slice(1)];
      while (letters.length > 0) {
        const letter = letters.shift();
        const name = byLetter(letter);
        if (letters.length > 0 && typeOf(name) === 'string') take(name, `-${letter}`, letters.splice(0).join(''), true);
        else if (letters.length > 0) take(name, `-${letter}`, undefined, undefined);
        else follow(name, `-${letter}`);
      }
    } else tokens.push({ kind: 'positional', index, value: arg });
  }
  return tokens;
}

function check({ name, rawName, value, inlineValue }, options, allowPositionals) {
  const option = options[name];
  if (option === undefined) throw unknown(rawName, allowPositionals);
  if (option.type === 'string' && inlineValue === false && /^-./.test(value)) {
    const example = rawName.startsWith('--') ? `'${rawName}=-XYZ'` : `'--${name}=-XYZ' or '${rawName}-XYZ'`;
    const question = `Did you forget to specify the option argument for '${rawName}'?`;
    const advice = `To specify an option argument starting with a dash use ${example}.`;
    throw invalid(`Option '${rawName}' argument is ambiguous.\n${question}\n${advice}`);
  }
  const shown = option.short ? `-${option.short}, --${name}` : `--${name}`;
  if (option.type === 'string' && value === undefined) throw invalid(`Option '${shown} <value>' argument missing`);
  if (option.type === 'boolean' && value !== undefined) throw invalid(`Option '${shown}' does not take an argument`);
}

export function parseArgs(config = {}) {
  const { args = process.argv.slice(2), options = {}, strict = true, allowNegative = false } = config;
  const allowPositionals = config.allowPositionals ?? !strict;
  for (const [name, { type }] of Object.entries(options))
    if (type !== 'string' && type !== 'boolean')
      throw invalidArgument(`options.${name}.type`, "('string|boolean')", type);
  const values = Object.create(null);
  const positionals = [];
  const tokens = tokensOf(args, options);
  for (const token of tokens) {
    if (token.kind === 'option') {
      const negated = allowNegative && token.name.startsWith('no-') && options[token.name.slice(3)]?.type === 'boolean';
      if (strict && !negated) check(token, options, allowPositionals);
      const name = negated ? token.name.slice(3) : token.name;
      const value = negated ? false : (token.value ?? true);
      if (options[name]?.multiple) (values[name] ??= []).push(value);
      else values[name] = value;
    } else if (token.kind === 'positional') {
      if (!allowPositionals) {
        const text = `Unexpected argument '${token.value}'. This command does not take positional arguments`;
        throw codedError(TypeError, 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL', text);
      }
      positionals.push(token.value);
    }
  }
  for (const [name, option] of Object.entries(options)) {
    if (option.default !== undefined && values[name] === undefined) values[name] = option.default;
  }
  return config.tokens ? { values, positionals, tokens } : { values, positionals };
}
