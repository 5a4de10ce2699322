"use strict";
// Pictures: intervals on a track from 0 to 1, and pass@k by k.
(() => {
  const { h, percent, known } = board;
  const at = (value) => (100 * Math.min(1, Math.max(0, value))).toFixed(2) + "%";

  // A score's interval, with the floor and the ceiling of its environment as marks.
  board.bar = (score, benchmark, large) => {
    if (!score || !known(score.value)) return h("span", { class: "soft" }, "–");
    const interval = known(score.low) && known(score.high);
    const marks = (benchmark ? [["floor", board.floor(benchmark)], ["ceiling", benchmark.ceiling]] : []).filter(([, value]) => known(value));
    const told = [percent(score.value), interval && `interval ${percent(score.low)} to ${percent(score.high)}`,
      ...marks.map(([name, value]) => `${name} ${percent(value)}`)].filter(Boolean).join(", ");
    return h("span", { class: large ? "bar large" : "bar", role: "img", "aria-label": told, title: told },
      marks.map(([name, value]) => h("i", { class: "mark " + name, style: { left: at(value) } })),
      h("i", { class: "fill", style: { width: at(score.value) } }),
      interval && h("i", { class: "interval", style: { left: at(score.low), width: at(score.high - score.low) } }),
      h("i", { class: "point", style: { left: at(score.value) } }));
  };

  // The best that a policy without understanding gets.
  board.floor = (benchmark) => {
    const values = benchmark.floor.map(([, value]) => value).filter(known);
    return values.length ? Math.max(...values) : null;
  };

  // What the parts of a bar mean, as far as these bars have them.
  board.marks = (benchmarks) => {
    const parts = [["point", "score"], ["interval", "95% interval"]];
    if (benchmarks.some((one) => known(board.floor(one)))) parts.push(["mark floor", "floor: best without understanding"]);
    if (benchmarks.some((one) => known(one.ceiling))) parts.push(["mark ceiling", "ceiling: knows the answers"]);
    return h("p", { class: "legend marks" }, parts.map(([name, text]) => h("span", {}, h("span", { class: "bar", "aria-hidden": "true" }, h("i", { class: name })), text)));
  };

  board.curves = (entries, benchmark) => {
    const lines = entries.filter((entry) => entry.passk.length > 1);
    if (!lines.length) return null;
    const [width, height, left, right, top, bottom] = [560, 290, 44, 16, 12, 36];
    const ks = [...new Set(lines.flatMap((entry) => entry.passk.map(([k]) => k)))].sort((a, b) => a - b);
    const span = Math.log2(ks[ks.length - 1]) || 1;
    const x = (k) => left + (Math.log2(k) / span) * (width - left - right);
    const y = (value) => top + (1 - Math.min(1, Math.max(0, value))) * (height - top - bottom);
    const floor = benchmark ? board.floor(benchmark) : null;
    const picture = h("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "pass@k by k" },
      [0, 0.25, 0.5, 0.75, 1].map((value) => h("g", {},
        h("line", { class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) }),
        h("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, percent(value, 0)))),
      ks.map((k) => h("text", { x: x(k), y: height - 15, "text-anchor": "middle" }, String(k))),
      h("text", { x: left - 16, y: height - 15, "text-anchor": "end" }, "k"),
      known(floor) && [h("line", { class: "floor", x1: left, x2: width - right, y1: y(floor), y2: y(floor) }),
        // Above the line, but within the picture.
        h("text", { class: "floor-name", x: width - right, y: Math.max(top + 12, y(floor) - 6), "text-anchor": "end" }, `floor ${percent(floor)}`)],
      lines.map((entry, index) => curve(entry, index, x, y)));
    return h("figure", { class: "chart" },
      h("figcaption", {}, h("b", {}, "pass@k"), h("span", { class: "soft" },
        "the chance that at least one of k samples passes; bands are the intervals of the scores")),
      picture,
      h("p", { class: "legend" }, lines.map((entry, index) => h("span", { class: "line-" + index }, h("i"),
        board.link(["entry", entry.id], entry.model)))));
  };

  const curve = (entry, index, x, y) => {
    const points = entry.passk;
    const path = (list) => list.map(([k, value], i) => (i ? "L" : "M") + x(k).toFixed(1) + " " + y(value).toFixed(1)).join("");
    const banded = points.filter(([, , low, high]) => known(low) && known(high));
    const band = [...banded.map(([k, , , high]) => [k, high]), ...banded.map(([k, , low]) => [k, low]).reverse()];
    return h("g", { class: "curve line-" + index },
      h("title", {}, entry.model),
      band.length > 2 && h("path", { class: "band", d: path(band) + "Z" }),
      h("path", { class: "line", d: path(points) }),
      points.map(([k, value]) => h("circle", { cx: x(k).toFixed(1), cy: y(value).toFixed(1), r: 3 },
        h("title", {}, `${entry.model}: pass@${k} ${percent(value)}`))));
  };
})();
