"use strict";
// Which page the address asks for.
(() => {
  const { h } = board;
  const main = document.getElementById("main");
  board.data = board.taken("board");

  if (!board.data) {
    main.replaceChildren(board.notice("No data", "data/board.js could not be read. Was the whole folder copied?"));
    return;
  }
  const byId = new Map(board.data.entries.map((entry) => [entry.id, entry]));
  board.entry = (id) => {
    const entry = byId.get(id);
    if (!entry) throw new Error("There is no such entry.");
    return entry;
  };
  document.querySelector(".top .name").textContent = board.data.title;
  document.getElementById("built").textContent = "made by infinite-rl " + board.data.version;

  let wanted = 0;
  const show = async () => {
    const [path, query] = (location.hash || "#/").replace(/^#\/?/, "").split("?");
    // Pages wait for their data. A page that arrives after the reader went on must not replace the newer one.
    const asked = ++wanted;
    const place = h("div");
    let parts = ["?"];
    try {
      parts = path.split("/").map(decodeURIComponent);
      if (parts[0] === "") board.showTable(place, query);
      else if (parts[0] === "entry" && parts.length === 2) await board.showEntry(place, parts[1]);
      else if (parts[0] === "entry" && parts[2] === "task" && parts.length === 4) await board.showTask(place, parts[1], parts[3]);
      else if (parts[0] === "compare" && parts.length === 3) await board.showComparison(place, parts[1], parts[2]);
      else if (parts[0] === "compare" && parts.length === 4) await board.showComparedTask(place, parts[1], parts[2], parts[3]);
      else throw new Error("There is no such page.");
    } catch (error) {
      place.replaceChildren(board.notice("Not shown", error.message), h("p", {}, board.link([], "To the leaderboard", { class: "button" })));
    }
    if (asked !== wanted) return;
    main.replaceChildren(place);
    const heading = place.querySelector("h1, h2");
    document.title = parts[0] ? `${heading ? heading.textContent : ""} · ${board.data.title}` : board.data.title;
    main.dataset.shown = String(asked);
  };
  const go = async () => {
    await show();
    window.scrollTo(0, 0);
    main.focus({ preventScroll: true });
  };
  window.addEventListener("hashchange", go);
  show();
})();
