"use strict";
// Elements and numbers. Text goes into the page as text nodes only: nothing here reads markup.
const board = { data: null };

board.h = (tag, attributes, ...children) => {
  const svg = ["svg", "path", "line", "circle", "text", "g", "title", "rect"].includes(tag);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    else if (name === "value" || name === "checked") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
};

board.known = (value) => typeof value === "number" && Number.isFinite(value);
// Shares are percent with one decimal, everywhere; differences of shares are points.
board.percent = (value, digits = 1) => (board.known(value) ? (100 * value).toFixed(digits) + "%" : "–");
board.range = (score) => (score && board.known(score.low) ? `${board.percent(score.low)} – ${board.percent(score.high)}` : "");
board.signed = (value) =>
  board.known(value) ? (value > 0 ? "+" : value < 0 ? "−" : "±") + Math.abs(100 * value).toFixed(1) : "–";
board.count = (value) => (board.known(value) ? Math.round(value).toLocaleString("en-US") : "–");
board.short = (value) => {
  if (!board.known(value)) return "–";
  for (const [size, unit] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]]) {
    if (value >= size) return (value / size).toPrecision(3).replace(/\.?0+$/, "") + unit;
  }
  return String(Math.round(value * 100) / 100);
};
board.duration = (seconds) => {
  if (!board.known(seconds)) return "–";
  if (seconds < 60) return seconds.toFixed(1) + " s";
  if (seconds < 3600) return (seconds / 60).toFixed(1) + " min";
  return (seconds / 3600).toFixed(1) + " h";
};
board.chance = (p) => (!board.known(p) ? "–" : p < 0.001 ? "< 0.001" : p.toFixed(3));

board.link = (parts, text, attributes) =>
  board.h("a", { href: "#/" + parts.map(encodeURIComponent).join("/"), ...attributes }, text);

// A sorted table's header: a button, so that it takes the keyboard, and the order is told to screen readers.
board.header = (column, sort, onsort) => {
  const order = sort.by === column.key ? (sort.down ? "descending" : "ascending") : "none";
  return board.h(
    "th",
    { scope: "col", class: column.class, "aria-sort": column.key ? order : null },
    column.key
      ? board.h("button", { type: "button", class: "sort", "data-key": column.key, title: column.about,
          onclick: () => onsort({ by: column.key, down: sort.by === column.key ? !sort.down : !column.up }) }, column.title)
      : column.title,
  );
};

board.sorted = (rows, value, down) => {
  const missing = (one) => one === null || one === undefined || Number.isNaN(one);
  const order = (a, b) => {
    const [left, right] = [value(a), value(b)];
    // What is not known stays at the end, whichever way the others go.
    if (missing(left) || missing(right)) return missing(left) - missing(right);
    const found = typeof left === "string" ? left.localeCompare(right, "en") : left - right;
    return down ? -found : found;
  };
  return [...rows].sort(order);
};

board.facts = (pairs) =>
  board.h("dl", { class: "facts" }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== "").map(
    ([name, value]) => board.h("div", {}, board.h("dt", {}, name), board.h("dd", {}, value))));

// What a reader should know before believing a score.
board.warning = (...parts) => board.h("p", { class: "warning", role: "note" }, parts);

board.notice = (title, text) =>
  board.h("div", { class: "notice", role: "status" }, board.h("h2", {}, title), board.h("p", {}, text));
