// The cards of a conversation.

const TITLES = { user: "User", answer: "Assistant", reasoning: "Reasoning", commentary: "Assistant, aside", instructions: "Instructions", note: "Note", result: "Result" };
const ENDINGS = {
  interrupted: "The user stopped the answer here.", length: "The answer was cut off here: it had reached the limit of tokens.",
  error: "The answer was cut off here: the model failed.", crashed: "The answer was cut off here: the program was stopped.",
};
const OUTCOMES = { ok: "returned", error: "returned an error", unavailable: "is not enabled", interrupted: "was interrupted", crashed: "was cut off" };

class Cards {
  constructor(list, page) {
    this.list = list;
    this.page = page;
    this.unfolded = false;
    this.until = Infinity; // the moment (microseconds) up to which things are shown
  }

  // Begin anew with the conversation's cards: empty ones of about the right height, filled as they come near.
  show(conversation) {
    this.conversation = conversation;
    const items = document.createDocumentFragment();
    for (const card of conversation.cards) items.append(this.place(card));
    this.list.replaceChildren(items);
  }

  place(card) {
    const item = element("li", { class: `card ${card.kind}`, id: `m${card.seq}`, tabindex: "-1" });
    const lines = Math.min(40, 2 + (card.kind === "reasoning" && !this.unfolded ? 1 : card.text.length / 90 + (card.text.match(/\n/g) || []).length));
    item.style.minHeight = `${Math.round(lines * 22 + 24)}px`;
    card.item = item;
    fillLate(item, () => this.fill(card));
    return item;
  }

  // A card is new or has changed.
  update(card) {
    if (card.gone) {
      if (card.item) { nearing.delete(card.item); watcher.unobserve(card.item); card.item.remove(); }
    } else if (!card.item) {
      this.list.append(this.place(card));
    } else if (!nearing.has(card.item)) {
      this.fill(card);
    }
  }

  fill(card) {
    const folded = card.item.querySelector("details.fold");
    const wasOpen = folded ? folded.open : this.unfolded;
    card.item.style.minHeight = "";
    card.item.className = `card ${card.kind}${card.written ? " writing" : ""}${card.outcome && card.outcome !== "ok" ? " failed" : ""}`;
    card.item.replaceChildren(...this.content(card, wasOpen).filter(Boolean));
  }

  content(card, open) {
    const head = element("header", {}, element("h3", {}, this.title(card)), element("span", { class: "dim when" }, this.when(card)), this.link(card));
    if (card.kind === "note") return [element("p", { class: "text" }, visible(card.text)), this.link(card)];
    if (card.kind === "reasoning") {
      const length = card.count ? counted(card.count, "token") : counted(card.text.length, "character");
      const took = this.took(card);
      return [element("details", { class: "fold", open: open || card.written }, element("summary", {}, element("h3", {}, "Reasoning"), element("span", { class: "dim" }, ` ${length}${took ? `, ${seconds(took)}` : ""}`)), plain(this.text(card))), this.foot(card, true), this.link(card)];
    }
    if (card.kind === "call") return [head, ...this.call(card), this.foot(card)];
    if (card.kind === "result") return [head, plain(card.text, "pre", { tabindex: "0" })];
    const text = this.text(card);
    const whole = text === card.text;
    const body = whole && card.tree ? element("div", { class: "text rich" }, ...tree(card.tree, (one) => this.citations(one)))
      : whole && card.kind === "answer" && card.text.length <= LONG ? element("div", { class: "text" }, ...this.citations(card.text)) : plain(text);
    return [head, body, this.ending(card), this.foot(card)];
  }

  title(card) {
    if (card.kind === "call") return element("span", {}, "calls ", element("code", {}, visible(card.to)));
    if (card.kind === "result") return element("span", {}, "result of ", element("code", {}, visible(card.title)));
    return TITLES[card.kind];
  }

  when(card) { return clock((card.time - this.conversation.began) / 1000); }

  link(card) {
    return element("a", { class: "link", href: this.page.address(card), "aria-label": `Link to message ${card.seq}`, title: `Message ${card.seq}` }, "#");
  }

  // As much of the text as had been written by `until`.
  text(card) {
    if (this.until === Infinity || !card.times || !card.times.length) return card.text;
    let count = 0;
    while (count < card.times.length && card.times[count] <= this.until) count += 1;
    if (count >= card.times.length) return card.text;
    if (card.ids.includes(REMOVED)) return card.text.slice(0, Math.round((card.text.length * count) / card.times.length));
    return this.conversation.model.decode(card.ids, count);
  }

  took(card) {
    return card.times && card.times.length ? (card.times[card.times.length - 1] - card.time) / 1000 : 0;
  }

  ending(card) {
    if (!card.partial) return null;
    return element("p", { class: "ending" }, ENDINGS[card.made && card.made.reason] || "The answer is not finished.", card.made && card.made.error ? ` (${visible(card.made.error)})` : "");
  }

  foot(card, short = false) {
    const made = card.made;
    const last = card.times && card.times.length ? card.times[card.times.length - 1] : card.time;
    if (!made || card.written || last > this.until) return null;
    const speed = made.ms && made.sampled > 1 ? made.sampled / ((made.ms - Math.min(made.first || 0, made.ms * 0.9)) / 1000) : 0;
    const facts = short ? [] : [made.backend, card.count ? counted(card.count, "token") : null, this.took(card) ? seconds(this.took(card)) : null, speed ? `${speed.toFixed(speed < 10 ? 1 : 0)} tokens/s` : null].filter(Boolean);
    const xray = element("button", { type: "button", class: "xray", click: () => this.page.xray(made, card.seq), title: "The exact tokens of the prompt and of the answer" }, "X-ray");
    return element("footer", { class: "dim" }, facts.join(" · "), facts.length ? " " : null, xray);
  }

  call(card) {
    const parts = [this.argument(card)];
    if (card.running) parts.push(element("p", { class: "dim" }, "running …"));
    const late = this.until !== Infinity;
    if (card.outcome && !(late && card.returned > this.until)) {
      parts.push(element("p", { class: "outcome" }, OUTCOMES[card.outcome] || card.outcome, card.ms ? element("span", { class: "dim" }, ` after ${seconds(card.ms)}`) : null));
      for (const file of card.files) parts.push(this.file(file));
    }
    for (const result of card.results) if (!(late && result.time > this.until)) parts.push(this.result(card, result));
    return parts;
  }

  argument(card) {
    const text = this.text(card);
    if (text === card.text) {
      const patch = patchOf(text);
      // What the patch came to follows below; how the model put it is worth a line then.
      if (patch !== null && this.differs(card)) return element("details", { class: "found" }, element("summary", { class: "dim" }, "the patch as it was written"), this.diff(patch));
      if (patch !== null) return this.diff(patch);
      const object = parsed(text);
      if (object && card.to.startsWith("browser.")) {
        return element("p", { class: "arguments" }, ...Object.entries(object).flatMap(([name, value]) => [element("span", { class: "dim" }, visible(`${name} `)), visible(`${typeof value === "string" ? value : JSON.stringify(value)}  `)]));
      }
      if (object) return plain(JSON.stringify(object, null, 2), "pre", { tabindex: "0", class: "code" });
    }
    return plain(text, "pre", { tabindex: "0", class: "code" });
  }

  // Whether the card shows what changed in the files.
  differs(card) {
    return card.files.some((file) => this.conversation.model.files.get(file.digest)?.text !== undefined) && !(this.until !== Infinity && card.returned > this.until);
  }

  result(card, result) {
    const text = result.text;
    const page = card.to && card.to.startsWith("browser.") ? /^\[(\d+)\] (.*)\n\*\*viewing lines/.exec(text) : null;
    if (page && text.length <= LONG) return this.pageOf(Number(page[1]), page[2], text);
    if (!text) return element("p", { class: "dim" }, "no output");
    return plain(text, "pre", { tabindex: "0", class: "output" });
  }

  // A page that the browser showed: the lines that an answer cites stand out.
  pageOf(cursor, title, text) {
    const cited = this.conversation.cited.get(cursor) || new Set();
    const lines = text.split("\n").slice(3);
    const body = element("pre", { tabindex: "0", class: "output page" }, ...lines.map((line) => {
      const number = /^L(\d+): /.exec(line);
      const isCited = number && cited.has(Number(number[1]));
      return element(isCited ? "mark" : "span", { class: "line", id: number ? `c${cursor}-L${number[1]}` : null }, `${visible(line)}\n`);
    }));
    return element("details", { class: "found", open: cited.size > 0 || lines.length < 20 },
      element("summary", {}, visible(`[${cursor}] ${title}`), cited.size ? element("span", { class: "dim" }, ` ${counted(cited.size, "line")} cited`) : null), body);
  }

  file(file) {
    const kept = this.conversation.model.files.get(file.digest);
    const name = visible(file.name);
    if (kept && kept.data) return element("figure", {}, element("img", { src: `data:${kept.type};base64,${kept.data}`, alt: name }), element("figcaption", { class: "dim" }, name));
    if (kept && kept.text !== undefined) return this.diff(kept.text);
    if (file.type.startsWith("application/vnd.gptoss.") || file.name === "cell.py") return null; // what the card shows anyway
    return element("p", { class: "dim" }, `file ${name}, ${visible(file.type)}, ${counted(file.size, "byte")}`);
  }

  diff(text) {
    const lines = text.slice(0, LONG * 5).replace(/\n$/, "").split("\n");
    return element("pre", { tabindex: "0", class: "diff" }, ...lines.map((line) => {
      const kind = /^(\+\+\+|---|diff |\*\*\*)/.test(line) ? "head" : line[0] === "+" ? "added" : line[0] === "-" ? "removed" : /^@@/.test(line) ? "where" : "";
      return element(kind === "added" ? "ins" : kind === "removed" ? "del" : "span", { class: `line ${kind}` }, `${visible(line)}\n`);
    }), text.length > LONG * 5 ? "…" : null);
  }

  // Text with its citations as links to the lines.
  citations(text) {
    const parts = [];
    let at = 0;
    for (const found of text.matchAll(CITATION)) {
      parts.push(visible(text.slice(at, found.index)));
      const [whole, cursor, first, last] = found;
      parts.push(element("a", { class: "citation", href: `#c${cursor}-L${first}`, title: `page ${cursor}, line ${first}${last ? ` to ${last}` : ""}`, click: (event) => this.page.cited(event, Number(cursor), Number(first)) }, `[${cursor}†L${first}${last && last !== first ? `-L${last}` : ""}]`));
      at = found.index + whole.length;
    }
    parts.push(visible(text.slice(at)));
    return parts.filter((part) => part !== "");
  }

  // All that can be searched in a card.
  words(card) {
    if (card.words === undefined || card.results.length !== card.searched) {
      card.searched = card.results.length;
      card.words = [card.text, card.to || "", ...card.results.map((result) => result.text)].join("\n").toLowerCase();
    }
    return card.words;
  }
}

function parsed(text) {
  if (text[0] !== "{") return null;
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch { return null; }
}

function patchOf(text) {
  const inside = parsed(text);
  const patch = inside ? inside.patch ?? inside.input : text;
  return typeof patch === "string" && patch.trimStart().startsWith("*** Begin Patch") ? patch : null;
}
