"use strict";
(() => {
  const page = document.documentElement;
  const data = JSON.parse(document.getElementById("data").textContent);
  const slider = document.getElementById("slider");
  const told = document.getElementById("told");
  const play = document.getElementById("play");
  const all = (selector) => [...document.querySelectorAll(selector)];
  const sheets = all("[data-row]").map((sheet) => ({
    row: data.rows[Number(sheet.dataset.row)],
    drawn: sheet.querySelector(".drawn"),
    note: document.getElementById("note-" + sheet.dataset.row),
  }));
  const values = all(".values [data-column]").map((to) => ({
    to,
    table: document.getElementById(to.dataset.table),
    column: Number(to.dataset.column),
  }));
  let timer = 0;

  function show(frame) {
    const generation = data.frames[frame];
    slider.value = frame;
    slider.setAttribute("aria-valuetext", "generation " + generation);
    told.textContent = "generation " + generation + " of " + data.frames[data.frames.length - 1];
    page.dataset.generation = generation;
    for (const { row, drawn, note } of sheets) {
      const slot = row.slots[frame];
      drawn.setAttribute("visibility", slot === null ? "hidden" : "visible");
      if (row.paths.length) drawn.setAttribute("d", row.paths[frame]);
      else if (slot !== null) drawn.setAttribute("y", -slot * data.height);
      note.textContent = row.notes[frame];
    }
    for (const chart of all("svg.chart")) {
      const { left, right } = chart.dataset;
      const x = Number(left) + (generation / data.last) * (right - left);
      const cursor = chart.querySelector(".cursor");
      cursor.setAttribute("x1", x);
      cursor.setAttribute("x2", x);
    }
    for (const { to, table, column } of values) to.textContent = table.tBodies[0].rows[frame].cells[column].textContent;
    for (const now of all(".now")) now.setAttribute("x", frame * Number(now.getAttribute("width")));
  }

  function go(frame) {
    const there = Math.max(0, Math.min(data.frames.length - 1, frame));
    show(there);
    try {
      history.replaceState(null, "", "#generation=" + data.frames[there]);
    } catch {
      // a page opened from an archive may have no history of its own
    }
  }

  function nearest(generation) {
    const gaps = data.frames.map((g) => Math.abs(g - generation));
    return gaps.indexOf(Math.min(...gaps));
  }

  function fromHash() {
    const found = /^#generation=(\d{1,9})$/.exec(location.hash);
    if (found) show(nearest(Number(found[1])));
    return found !== null;
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "play";
  }

  function step() {
    if (Number(slider.value) >= data.frames.length - 1) stop();
    else go(Number(slider.value) + 1);
  }

  slider.addEventListener("input", () => {
    stop();
    go(Number(slider.value));
  });
  play.addEventListener("click", () => {
    if (timer) return stop();
    if (Number(slider.value) >= data.frames.length - 1) go(0);
    timer = setInterval(step, 700);
    play.textContent = "pause";
  });
  for (const chart of all("svg.chart")) {
    chart.addEventListener("click", (event) => {
      const box = chart.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * chart.viewBox.baseVal.width;
      const { left, right } = chart.dataset;
      stop();
      go(nearest(((x - left) / (right - left)) * data.last));
    });
  }
  for (const choice of all(".choice select")) {
    const choose = () => {
      for (const sheet of choice.closest("section").querySelectorAll("[data-choice]"))
        sheet.hidden = sheet.dataset.choice !== choice.value;
    };
    choice.addEventListener("change", choose);
    choose();
  }
  addEventListener("hashchange", fromHash);
  page.classList.add("js");
  if (!fromHash()) show(data.frames.length - 1);
})();
