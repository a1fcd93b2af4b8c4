// Charts of a conversation, each with its numbers as a table.

const WIDTH = 720, HEIGHT = 200, LEFT = 56, BOTTOM = 24, MOST_BARS = 240;

class Charts {
  constructor(panel) { this.panel = panel; }

  show(conversation) {
    const generations = conversation.generations.filter((made) => made.sampled);
    const turns = conversation.turns;
    const limit = conversation.settings.context || 8192;
    this.panel.replaceChildren(element("h2", {}, "Charts"), element("div", { class: "charts" },
      chart("Tokens per second", "of each generation, after its first token", generations.map((made) => ({
        name: `generation ${made.number + 1}, turn ${made.turn}`,
        values: [made.sampled > 1 && made.ms ? made.sampled / (Math.max(made.ms - (made.first || 0), made.ms * 0.1) / 1000) : 0],
      })), ["tokens/s"], (value) => value.toFixed(value && value < 10 ? 1 : 0)),
      chart("Context", `tokens of each prompt and its answer; the session allows ${limit.toLocaleString()}`, generations.map((made) => ({
        name: `generation ${made.number + 1}, turn ${made.turn}`, values: [made.prompt_tokens, made.sampled],
      })), ["prompt", "answer"], (value) => Math.round(value).toLocaleString(), limit),
      chart("Time per turn", "seconds until the first token, writing, and in tools", turns.map((turn) => ({
        name: `turn ${turn.number}`, values: [turn.parts.wait / 1000, turn.parts.write / 1000, turn.parts.tools / 1000],
      })), ["first token", "writing", "tools"], (value) => `${value.toFixed(value && value < 10 ? 1 : 0)} s`)));
  }
}

// Stacked bars, one for each row {name, values}; a line at `limit` if the bars come anywhere near it.
function chart(title, about, rows, names, format, limit = 0) {
  if (!rows.length) return element("figure", { class: "chart" }, element("figcaption", {}, element("h3", {}, title), element("p", { class: "dim" }, "nothing to show yet")));
  const bars = rows.length > MOST_BARS ? binned(rows) : rows;
  const sum = (row) => row.values.reduce((a, b) => a + b, 0);
  const highest = Math.max(...bars.map(sum), 1e-9);
  const near = limit && highest > limit / 4;
  const top = nice(near ? Math.max(highest, limit) : highest);
  const step = (WIDTH - LEFT) / bars.length, y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - 8);
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}: ${about}. Highest ${format(highest)}, on average ${format(rows.reduce((all, row) => all + sum(row), 0) / rows.length)}.` });
  for (const part of [0, 0.5, 1]) {
    picture.append(svg("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y(top * part), y2: y(top * part) }), text(LEFT - 6, y(top * part) + 4, format(top * part), "end"));
  }
  bars.forEach((row, n) => {
    let from = 0;
    const group = svg("g", {});
    group.append(svg("title", {}, `${row.name}: ${row.values.map((value, k) => `${names[k]} ${format(value)}`).join(", ")}`));
    row.values.forEach((value, k) => {
      if (value > 0) group.append(svg("rect", { class: `part${k}`, x: LEFT + n * step + step * 0.1, width: Math.max(step * 0.8, 0.5), y: y(from + value), height: y(from) - y(from + value) }));
      from += value;
    });
    picture.append(group);
  });
  if (near) picture.append(svg("line", { class: "limit", x1: LEFT, x2: WIDTH, y1: y(limit), y2: y(limit) }), text(WIDTH, y(limit) - 4, "limit", "end"));
  picture.append(text(LEFT, HEIGHT - 6, bars[0].name, "start"), text(WIDTH, HEIGHT - 6, bars[bars.length - 1].name, "end"));
  const table = element("details", { class: "numbers" }, element("summary", {}, "Numbers"));
  table.addEventListener("toggle", () => {
    if (table.open && table.children.length === 1) table.append(numbers(rows, names, format));
  });
  return element("figure", { class: "chart" }, element("figcaption", {}, element("h3", {}, title), element("p", { class: "dim" }, about)), picture,
    names.length > 1 ? element("p", { class: "legend" }, ...names.map((name, k) => element("span", { class: `key part${k}` }, name))) : null, table);
}

function numbers(rows, names, format) {
  return element("table", {}, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, ""), ...names.map((name) => element("th", { scope: "col" }, name)))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, element("th", { scope: "row" }, row.name), ...row.values.map((value) => element("td", {}, format(value)))))));
}

function text(x, y, what, anchor) { return svg("text", { x, y, "text-anchor": anchor }, what); }

function nice(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((step) => step * unit).find((step) => step >= value) || value;
}

// Too many bars: the average of neighbours.
function binned(rows) {
  const size = Math.ceil(rows.length / MOST_BARS), bins = [];
  for (let n = 0; n < rows.length; n += size) {
    const some = rows.slice(n, n + size);
    bins.push({ name: `${some[0].name} to ${some[some.length - 1].name}`, values: some[0].values.map((_, k) => some.reduce((all, row) => all + row.values[k], 0) / some.length) });
  }
  return bins;
}
