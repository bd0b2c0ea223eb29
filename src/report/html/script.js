"use strict";
// The page is complete without this script. It filters findings, moves between them, and draws timelines. It reads
// text with textContent and writes text with textContent only, so text of a server never becomes markup.
(() => {
  const form = document.getElementById("filter");
  const words = document.getElementById("words");
  const shown = document.getElementById("shown");
  const findings = [...document.querySelectorAll(".finding")];
  const texts = new Map(findings.map((finding) => [finding, finding.textContent.toLowerCase()]));
  form.hidden = findings.length === 0;

  function filter() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const outcomes = new Set([...form.querySelectorAll("[name=outcome]:checked")].map((box) => box.value));
    let count = 0;
    for (const finding of findings) {
      const text = texts.get(finding);
      const matches = outcomes.has(finding.dataset.outcome) && wanted.every((word) => text.includes(word));
      finding.hidden = !matches;
      count += matches;
    }
    shown.textContent = `${count} of ${findings.length} findings`;
  }
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target === words) {
      if (event.key === "Escape") words.blur();
      return;
    }
    if (event.key === "/") {
      event.preventDefault();
      words.focus();
    } else if (event.key === "j" || event.key === "k") {
      const visible = findings.filter((finding) => !finding.hidden);
      const now = visible.indexOf(document.activeElement);
      const next = visible[event.key === "j" ? now + 1 : Math.max(now - 1, 0)];
      if (next) next.focus();
    }
  });

  const SVG = "http://www.w3.org/2000/svg";
  const [TIMES, LANE, TEXT, HEAD, ROW] = [100, 130, 520, 34, 22];

  function add(parent, name, attributes, text) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    parent.append(element);
    return element;
  }

  function actorOf(step) {
    return step.querySelector("b")?.textContent ?? "";
  }

  // Clients stand on the left, in the order of their numbers, and processes on the right.
  function lanesOf(steps) {
    const actors = [...new Set(steps.map(actorOf).filter(Boolean))];
    const number = (actor) => Number(actor.replace(/\D/g, ""));
    const rank = (actor) => (actor.startsWith("client") ? 0 : 1);
    return actors.sort((a, b) => rank(a) - rank(b) || number(a) - number(b));
  }

  function arrow(svg, from, to, y, dashed, cross) {
    const back = to > from ? -8 : 8;
    add(svg, "line", { class: dashed ? "arrow dashed" : "arrow", x1: from, x2: to, y1: y, y2: y });
    if (cross) add(svg, "path", { class: "cross", d: `M${to + back - 4} ${y - 4}l8 8m0 -8l-8 8` });
    else add(svg, "path", { class: "tip", d: `M${to} ${y}l${back} -4l0 8z` });
  }

  function draw(list) {
    const steps = [...list.children];
    const lanes = lanesOf(steps);
    if (lanes.length > 12) return;
    const x = (lane) => TIMES + LANE / 2 + lane * LANE;
    const server = lanes.findIndex((actor) => actor.startsWith("process"));
    const [width, height] = [TIMES + lanes.length * LANE + TEXT, HEAD + steps.length * ROW + 8];
    const box = document.createElement("div");
    box.className = "drawing";
    box.tabIndex = 0;
    const svg = document.createElementNS(SVG, "svg");
    for (const [key, value] of Object.entries({ class: "st", role: "img", viewBox: `0 0 ${width} ${height}`, width, height })) svg.setAttribute(key, value);
    svg.setAttribute("aria-label", "The timeline as a diagram: a lane for each actor, time downward");
    lanes.forEach((actor, lane) => {
      add(svg, "text", { class: "head", x: x(lane), y: 16 }, actor);
      add(svg, "line", { class: "lane", x1: x(lane), x2: x(lane), y1: HEAD - 10, y2: height - 4 });
    });
    steps.forEach((step, row) => {
      const y = HEAD + row * ROW + ROW / 2;
      const lane = lanes.indexOf(actorOf(step));
      const kind = step.dataset.kind;
      add(svg, "text", { class: "clock", x: TIMES - 12, y: y + 4 }, step.querySelector("i").textContent);
      const words = step.querySelector("code").textContent;
      add(svg, "text", { x: TIMES + lanes.length * LANE, y: y + 4 }, words.length > 66 ? `${words.slice(0, 65)}…` : words);
      if (lane < 0) return;
      const client = actorOf(step).startsWith("client") && server >= 0;
      if (client && kind === "send") arrow(svg, x(lane), x(server), y, false, false);
      else if (client && kind === "receive") arrow(svg, x(server), x(lane), y, false, false);
      else if (client && kind === "receive-end") arrow(svg, x(server), x(lane), y, true, false);
      else if (client && ["connect", "shut-down", "close"].includes(kind)) arrow(svg, x(lane), x(server), y, true, false);
      else if (client && kind === "reset") arrow(svg, x(lane), x(server), y, true, true);
      else if (kind === "signal") add(svg, "path", { class: "bolt", d: `M${x(lane) + 3} ${y - 8}l-6 8l6 0l-6 8` });
      else add(svg, "rect", { class: "tip", x: x(lane) - 4, y: y - 4, width: 8, height: 8 });
    });
    box.append(svg);
    list.before(box);
  }

  for (const details of document.querySelectorAll("details.timeline")) {
    details.addEventListener("toggle", () => {
      const list = details.querySelector("ol");
      if (details.open && !details.querySelector(".drawing")) draw(list);
    });
    if (findings.length <= 10) details.open = true;
  }
  window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((it) => { it.open = true; }));
})();
