// WeakRef and FinalizationRegistry as a short program under node sees them: nothing has been collected yet.
//
// The engine frees an object with its last reference. What a WeakRef names lives here as long as the WeakRef does.

const NativeWeakRef = globalThis.WeakRef;
const NativeRegistry = globalThis.FinalizationRegistry;
const targets = new WeakMap();
const tokens = new WeakMap();

export function WeakRef(target) {
  if (new.target === undefined) throw new TypeError("Constructor WeakRef requires 'new'");
  const made = Reflect.construct(NativeWeakRef, [target], new.target);
  targets.set(made, target);
  return made;
}

WeakRef.prototype = NativeWeakRef.prototype;

const registry = {
  register(target, held, token) {
    if (Object(target) !== target) throw new TypeError('FinalizationRegistry.prototype.register: invalid target');
    if (!tokens.has(this)) tokens.set(this, new WeakSet());
    if (Object(token) === token) tokens.get(this).add(token);
  },
  unregister(token) {
    return tokens.get(this)?.delete(token) ?? false;
  },
};

export function installWeak() {
  const define = (object, name, value) =>
    Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable: false });
  define(globalThis, 'WeakRef', WeakRef);
  define(WeakRef.prototype, 'constructor', WeakRef);
  for (const name of Object.keys(registry)) define(NativeRegistry.prototype, name, registry[name]);
}
