"use strict";
// The first page: all entries, sorted and filtered, with what the chosen environment's scores mean.
(() => {
  const { h, percent, count, short, known } = board;

  const largest = (entry) => entry.passk[entry.passk.length - 1];
  const COLUMNS = [
    { key: "rank", title: "#", class: "num rank", up: true, about: "rank by pass@1 among entries with the same tasks",
      value: (e) => e.rank, show: (e) => e.rank ?? "–" },
    { key: "model", title: "Model", class: "model", up: true, value: (e) => e.model, show: model },
    { key: "pass1", title: "pass@1", class: "num score", about: "share of samples that pass, with its 95% interval",
      value: (e) => e.pass1.value,
      show: (e) => [percent(e.pass1.value), known(e.pass1.low) && h("small", {}, board.range(e.pass1))] },
    { key: "low", title: "interval", class: "track wide", about: "sorted by the interval's lower end",
      value: (e) => e.pass1.low, show: (e) => board.bar(e.pass1, benchmarkOf(e)) },
    { key: "passk", title: "pass@k", class: "num wide", about: "at the largest k",
      value: (e) => largest(e)?.[1],
      show: (e) => largest(e) && [percent(largest(e)[1]), h("small", {}, "k " + largest(e)[0])] },
    { key: "maj", title: "maj@n", class: "num wider", about: "share of tasks whose most common answer passes",
      value: (e) => e.maj?.value, show: (e) => percent(e.maj?.value) },
    { key: "reward", title: "reward", class: "num wider", about: "mean reward",
      value: (e) => e.reward?.value, show: (e) => (known(e.reward?.value) ? e.reward.value.toFixed(3) : "–") },
    { key: "samples", title: "samples", class: "num wider", about: "that were scored",
      value: (e) => e.graded, show: (e) => [count(e.graded), h("small", {}, `${count(e.tasks)} × ${e.n}`)] },
    { key: "tokens", title: "tokens a sample", class: "num wider", about: "written, on average",
      value: (e) => e.tokens, show: (e) => count(e.tokens) },
    { key: "cost", title: "cost", class: "num wider", about: "of the whole evaluation, as declared",
      value: (e) => e.cost, show: (e) => (known(e.cost) ? e.cost.toFixed(2) : "–") },
    { key: "finished", title: "date", class: "num wider", about: "as the submission says; it can't be checked",
      value: (e) => e.finished, show: (e) => e.finished.slice(0, 10) },
  ];

  function benchmarkOf(entry) {
    return board.data.benchmarks[entry.benchmark];
  }

  function model(entry) {
    const told = [entry.backend, known(entry.parameters) && short(entry.parameters) + " parameters",
      entry.prompt && "prompt " + entry.prompt].filter(Boolean).join(" · ");
    return [board.link(["entry", entry.id], entry.model), board.chips(entry), h("small", {}, told)];
  }

  // What sets an entry apart, with what it means for whoever asks.
  board.chips = (entry) => [
    entry.private && (entry.withheld
      ? ["transcripts withheld", "by the submitter: nobody but the host can look at them", "doubt"]
      : ["private", "the host keeps these tasks and transcripts back"]),
    entry.ungraded && ["not regraded", "the host could not grade these samples again, so that they have no rank", "doubt"],
    entry.copies.length > 0 && [percent(Math.max(...entry.copies.map(([, share]) => share))) + " same replies",
      "of its longer replies, word for word: " + others(entry) + "; whose they are is not known", "doubt"],
    entry.reference && ["reference", "named by the host as a reference"],
  ].filter(Boolean).map(([text, title, kind]) => h("span", { class: "chip " + (kind || ""), title }, text));

  const others = (entry) => entry.copies.map(([id, share]) => `${percent(share)} are those of ${board.entry(id).model}`).join(", ");

  const chosen = new Set();

  const read = (query) => {
    const given = new URLSearchParams(query);
    const state = { env: "", model: "", backend: "", text: "", sort: "", order: "" };
    for (const name of Object.keys(state)) state[name] = given.get(name) || "";
    // One environment alone is chosen already.
    if (!state.env && board.data.benchmarks.length === 1) state.env = board.data.benchmarks[0].key;
    return state;
  };

  const write = (state) => {
    const given = Object.entries(state).filter(([, value]) => value);
    history.replaceState(null, "", "#/" + (given.length ? "?" + new URLSearchParams(given) : ""));
  };

  const matches = (state) => (entry) => {
    const benchmark = benchmarkOf(entry);
    if (state.env && benchmark.key !== state.env) return false;
    if (state.model && entry.model !== state.model) return false;
    if (state.backend && entry.backend !== state.backend) return false;
    const words = [entry.model, entry.backend, entry.prompt || "", benchmark.name, benchmark.env].join(" ").toLowerCase();
    return state.text.toLowerCase().split(/\s+/).every((word) => words.includes(word));
  };

  board.showTable = (main, query) => {
    const state = read(query);
    const results = h("div", { id: "results" });
    const draw = () => {
      write(state);
      results.replaceChildren(...list(state, draw));
      main.querySelector("h1").textContent = board.data.benchmarks.find((one) => one.key === state.env)?.name || "All environments";
    };
    const set = (name) => (event) => {
      state[name] = event.target.value;
      draw();
    };
    const { about, entries, benchmarks } = board.data;
    main.replaceChildren(
      h("h1", {}), about ? h("p", { class: "lead" }, about) : "",
      h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
        benchmarks.length > 1 && select("Environment", "env", state, benchmarks.map((b) => [b.key, b.name + (b.retired ? " (retired)" : "")]), set("env")),
        select("Model", "model", state, distinct(entries.map((e) => e.model)), set("model")),
        select("Backend", "backend", state, distinct(entries.map((e) => e.backend)), set("backend")),
        h("label", { class: "text" }, h("span", {}, "Search"),
          h("input", { type: "search", name: "text", value: state.text, placeholder: "model, environment …", oninput: set("text") }))),
      results);
    draw();
  };

  const distinct = (values) => [...new Set(values)].sort((a, b) => a.localeCompare(b, "en")).map((one) => [one, one]);

  const select = (title, name, state, options, onchange) => options.length > 1 && h("label", {}, h("span", {}, title),
    h("select", { name, onchange }, h("option", { value: "" }, "all"),
      options.map(([value, text]) => {
        const option = h("option", { value }, text);
        option.selected = value === state[name];
        return option;
      })));

  const list = (state, draw) => {
    const { entries, benchmarks } = board.data;
    const benchmark = benchmarks.find((one) => one.key === state.env);
    const shown = entries.filter(matches(state));
    const sort = { by: state.sort || "pass1", down: state.sort ? state.order !== "up" : true };
    const column = COLUMNS.find((one) => one.key === sort.by) || COLUMNS[0];
    // Entries with other tasks are never in one order, and those without a rank come after those with one.
    const ordered = board.sorted(board.sorted(shown, (e) => e.rank, false), column.value, sort.down);
    const rows = state.sort ? ordered : [...ordered.filter((e) => e.rank), ...ordered.filter((e) => !e.rank)];
    const groups = benchmarks.map((one) => [one, rows.filter((entry) => benchmarkOf(entry) === one)]).filter(([, own]) => own.length);
    const onsort = ({ by, down }) => {
      state.sort = by;
      state.order = down ? "down" : "up";
      draw();
      document.querySelector(`#results button[data-key="${by}"]`)?.focus();
    };
    const picked = rows.filter((entry) => chosen.has(entry.id));
    return [
      benchmark && head(benchmark),
      !entries.length
        ? board.notice("No entries yet", "Submissions appear here once their folder holds some; see docs/leaderboard.md.")
        : !rows.length
          ? board.notice("Nothing matches", "No entry fits these filters.")
          : table(groups, rows, COLUMNS.filter(worthwhile(rows)), sort, onsort, draw, !benchmark),
      rows.length ? board.marks(groups.map(([one]) => one)) : null,
      rows.length ? comparer(draw) : null,
      benchmark && h("div", { class: "columns" }, board.curves((picked.length ? picked : rows).slice(0, 6), benchmark), bounds(benchmark)),
      left(),
    ].filter(Boolean);
  };

  // A column that says nothing, or the same of all, takes no room.
  const worthwhile = (rows) => (column) => rows.some((entry) => known(column.value(entry)) || typeof column.value(entry) === "string");

  const table = (groups, rows, columns, sort, onsort, draw, named) =>
    h("table", { class: "entries" },
      h("caption", { class: "told" }, count(rows.length) + (rows.length === 1 ? " entry" : " entries")),
      h("thead", {}, h("tr", {}, h("th", { class: "pick" }, h("span", { class: "told" }, "compare")),
        columns.map((column) => board.header(column, sort, onsort)))),
      groups.map(([benchmark, own]) => h("tbody", {}, named && title(benchmark, columns.length + 1), own.map((entry) => h("tr", { "data-id": entry.id, class: chosen.has(entry.id) ? "chosen" : null },
        h("td", { class: "pick" }, h("input", { type: "checkbox", "aria-label": "compare " + entry.model,
          checked: chosen.has(entry.id), onchange: (event) => pick(entry, event.target.checked, draw) })),
        columns.map((column) => h(column.key === "model" ? "th" : "td",
          { class: column.class, scope: column.key === "model" ? "row" : null }, column.show(entry))))))));

  // A heading within the table, so that it is there on a phone, too.
  const title = (benchmark, width) => h("tr", { class: "group" }, h("td", { colspan: width },
    h("a", { href: "#/?env=" + encodeURIComponent(benchmark.key) }, benchmark.name),
    benchmark.private && h("span", { class: "chip" }, "private split"),
    benchmark.retired && h("span", { class: "chip" }, "retired " + benchmark.retired)));

  const pick = (entry, on, draw) => {
    if (on) chosen.add(entry.id);
    else chosen.delete(entry.id);
    // Two at a time, of one environment: the older choice gives way.
    for (const id of chosen) {
      const other = board.entry(id);
      if (other.benchmark !== entry.benchmark || chosen.size > 2) if (id !== entry.id) chosen.delete(id);
    }
    draw();
    document.querySelector(`tr[data-id="${entry.id}"] input`)?.focus();
  };

  const comparer = () => {
    const ids = [...chosen];
    const ready = ids.length === 2;
    const told = ready ? "Compare " + ids.map((id) => board.entry(id).model).join(" with ")
      : ids.length ? "Choose one more entry of the same environment to compare" : "Choose two entries to compare them";
    return h("p", { class: "comparer" }, ready ? board.link(["compare", ...ids], told, { class: "button" }) : h("span", { class: "soft" }, told));
  };

  const head = (benchmark) => h("section", { class: "benchmark" },
    h("p", { class: "about" }, h("b", {}, benchmark.description), " ",
      h("span", { class: "soft" }, [benchmark.env, benchmark.arguments, benchmark.split && benchmark.split + " split", count(benchmark.tasks) + " tasks", benchmark.data && "data " + benchmark.data].filter(Boolean).join(" · ")),
      benchmark.private && h("span", { class: "chip" }, "private split"),
      benchmark.retired && h("span", { class: "chip" }, "retired " + benchmark.retired)));

  const bounds = (benchmark) => {
    const rows = [...benchmark.floor.map(([name, value]) => ["floor", name, value]),
      ...benchmark.references.map(([name, value]) => ["reference", name, value]),
      ...(known(benchmark.ceiling) ? [["ceiling", benchmark.ceiling_policy, benchmark.ceiling]] : [])];
    if (!rows.length) return null;
    return h("section", {}, h("h2", {}, "What the scores lie between"),
      h("table", { class: "plain bounds" }, h("tbody", {}, rows.map(([kind, name, value]) =>
        h("tr", {}, h("th", { scope: "row" }, h("i", { class: "key " + kind, "aria-hidden": "true" }), kind), h("td", {}, name), h("td", { class: "num" }, percent(value)),
          h("td", { class: "track" }, board.bar({ value })))))),
      benchmark.how && h("p", { class: "hint" }, benchmark.how));
  };

  const left = () => board.data.left_out.length > 0 && h("details", { class: "left-out" },
    h("summary", {}, count(board.data.left_out.length) + " not shown"),
    h("ul", {}, board.data.left_out.map(([name, why]) => h("li", {}, h("b", {}, name), ": ", why))));
})();
