"use strict";
// Data lies in script files, since a page from a file may not fetch. Each hands over one JSON text under its name.
(() => {
  const taken = new Map();
  const waiting = new Map();
  const allowed = /^data\/(?:board|[a-z0-9-]{1,120}\/(?:entry|[0-9]{1,6}))\.js$/;
  const policy = window.trustedTypes
    ? trustedTypes.createPolicy("board", {
        createScriptURL: (path) => {
          if (!allowed.test(path)) throw new TypeError("no data file: " + path);
          return path;
        },
      })
    : { createScriptURL: (path) => path };

  board.take = (name, text) => taken.set(name, JSON.parse(text));
  board.taken = (name) => taken.get(name);

  board.load = (name) => {
    const path = "data/" + name + ".js";
    if (!allowed.test(path)) return Promise.reject(new Error("There is no such entry."));
    if (taken.has(name)) return Promise.resolve(taken.get(name));
    if (!waiting.has(name)) {
      const promise = new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = policy.createScriptURL(path);
        script.onload = () => {
          script.remove();
          if (taken.has(name)) resolve(taken.get(name));
          else reject(new Error(path + " holds no data."));
        };
        script.onerror = () => {
          script.remove();
          reject(new Error(path + " could not be read. Was the whole folder copied?"));
        };
        document.head.append(script);
      });
      waiting.set(name, promise);
      promise.finally(() => waiting.delete(name)).catch(() => {});
    }
    return waiting.get(name);
  };
})();
