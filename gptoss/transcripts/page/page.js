// The page: which branch, which view, what is filtered; and, when it is live, what is new.

class Page {
  constructor(updates) {
    this.model = new Model();
    for (const update of updates) this.model.take(update);
    const find = (id) => document.getElementById(id);
    this.branch = find("branch");
    this.filter = find("filter");
    this.kind = find("kind");
    this.turns = find("turns");
    this.status = find("state");
    this.cards = new Cards(find("cards"), this);
    this.charts = new Charts(find("charts"));
    this.xrays = new XRay(find("xray"), this);
    this.player = new Player(this);
    this.tabs = [...document.querySelectorAll("[role=tab]")];
    this.view = "talk";
    this.listen();
    this.showBranches();
    const [seq, name] = this.hash();
    this.show(this.model.branchNamed(name) || this.model.current());
    if (seq) this.go(seq);
    addEventListener("hashchange", () => this.arrive());
    document.documentElement.dataset.ready = "";
    performance.mark("ready");
  }

  listen() {
    this.branch.addEventListener("change", () => this.show(this.model.branches[Number(this.branch.value)]));
    let waiting = 0;
    this.filter.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => this.sift(), 80); });
    this.kind.addEventListener("change", () => this.sift());
    for (const tab of this.tabs) tab.addEventListener("click", () => this.open(tab.getAttribute("aria-controls")));
    document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      const next = this.tabs[(this.tabs.findIndex((tab) => tab.tabIndex === 0) + by + this.tabs.length) % this.tabs.length];
      this.open(next.getAttribute("aria-controls"));
      next.focus();
    });
    const unfold = document.getElementById("unfold");
    unfold.addEventListener("click", () => {
      this.cards.unfolded = !this.cards.unfolded;
      unfold.setAttribute("aria-pressed", String(this.cards.unfolded));
      unfold.textContent = this.cards.unfolded ? "Fold" : "Unfold";
      for (const fold of document.querySelectorAll("details.fold")) fold.open = this.cards.unfolded;
    });
    document.getElementById("theme").addEventListener("click", () => {
      const root = document.documentElement, next = { undefined: "dark", dark: "light" }[root.dataset.theme];
      if (next) root.dataset.theme = next; else delete root.dataset.theme;
    });
    addEventListener("keydown", (event) => this.key(event));
    addEventListener("beforeprint", () => this.spread());
  }

  // Single keys, unless something is being typed.
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
      if (event.key === "Escape" && event.target === this.filter) { this.filter.value = ""; this.sift(); this.filter.blur(); }
      return;
    }
    const steps = { "/": () => this.filter.focus(), j: () => this.step(1), k: () => this.step(-1), p: () => this.player.toggle() };
    if (steps[event.key]) { event.preventDefault(); steps[event.key](); }
  }

  // Focus the next message, or the one before.
  step(by) {
    const seen = this.conversation.cards.filter((card) => !card.item.hidden && !card.item.classList.contains("future"));
    const held = document.activeElement.closest ? document.activeElement.closest(".card") : null;
    const from = held ? seen.findIndex((card) => card.item === held) : seen.findIndex((card) => card.item.getBoundingClientRect().bottom > 120) - (by > 0 ? 1 : 0);
    const next = seen[Math.max(0, Math.min(seen.length - 1, from + by))];
    if (next) this.reveal(next);
  }

  // Everything on the paper.
  spread() {
    for (const card of this.conversation.cards) fillNow(card.item);
    for (const fold of document.querySelectorAll("details")) fold.open = true;
  }

  showBranches() {
    const chosen = this.conversation ? this.conversation.branch : this.model.current();
    this.branch.replaceChildren(...this.model.branches.map((branch, n) => element("option", { value: n, selected: branch === chosen }, `${visible(branch.name)}${branch === this.model.current() ? " (current)" : ""}`)));
    this.branch.disabled = this.model.branches.length < 2;
    document.getElementById("name").textContent = this.model.session.name || "";
  }

  show(branch) {
    if (!branch) return;
    this.conversation = new Conversation(this.model, branch);
    this.branch.value = String(this.model.branches.indexOf(branch));
    this.cards.show(this.conversation);
    this.turns.replaceChildren();
    this.showTurns();
    this.xrays.begin(this.conversation);
    this.player.begin(this.conversation);
    this.sift();
    this.open(this.view);
    this.facts();
  }

  facts() {
    const { conversation } = this;
    const settings = conversation.settings;
    const began = conversation.began ? new Date(conversation.began / 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : "";
    const facts = [began, counted(conversation.turns.length, "turn"), settings.checkpoint ? visible(settings.checkpoint.split(/[\\/]/).pop()) : "the embedded model", `reasoning ${settings.reasoning_effort || "low"}`, (settings.tools || []).length ? `tools ${settings.tools.map((tool) => visible(tool.name)).join(", ")}` : null];
    document.getElementById("facts").textContent = facts.filter(Boolean).join(" · ");
  }

  showTurns() {
    for (let n = this.turns.children.length; n < this.conversation.turns.length; n += 1) {
      const turn = this.conversation.turns[n];
      const card = this.conversation.bySeq.get(turn.seq);
      this.turns.append(element("li", {}, element("a", { href: this.address(card) }, element("span", { class: "number" }, `${turn.number}`), element("span", { class: "begin" }, visible(turn.text.slice(0, 80)) || "…"), element("span", { class: "dim" }, ""))));
    }
    this.conversation.turns.forEach((turn) => {
      const parts = turn.parts.wait + turn.parts.write + turn.parts.tools;
      this.turns.children[turn.number - 1].lastChild.lastChild.textContent = parts ? seconds(parts) : "";
    });
  }

  // The address of a message; that of the current branch needs no name.
  address(card) {
    const { branch } = this.conversation;
    return `#m${card.seq}${branch === this.model.current() ? "" : `@${encodeURIComponent(branch.name)}`}`;
  }

  hash() {
    const found = /^#m(\d+)(?:@(.*))?$/.exec(location.hash);
    if (!found) return [0, undefined];
    try { return [Number(found[1]), found[2] && decodeURIComponent(found[2])]; } catch { return [0, undefined]; }
  }

  arrive() {
    const [seq, name] = this.hash();
    if (!seq) return;
    const branch = this.model.branchNamed(name) || (name === undefined ? this.model.current() : null);
    if (branch && branch !== this.conversation.branch) this.show(branch);
    this.go(seq);
  }

  go(seq) {
    const card = this.conversation.bySeq.get(seq);
    if (!card) return;
    this.open("talk");
    if (card.item.hidden) { this.filter.value = ""; this.kind.value = ""; this.sift(); }
    this.reveal(card);
  }

  reveal(card) {
    const at = this.conversation.cards.indexOf(card);
    for (const near of this.conversation.cards.slice(Math.max(0, at - 6), at + 12)) fillNow(near.item);
    const fold = card.item.querySelector("details.fold");
    if (fold && this.hash()[0] === card.seq) fold.open = true;
    card.item.scrollIntoView({ block: "start" });
    card.item.focus({ preventScroll: true });
    document.querySelectorAll(".card.target").forEach((one) => one.classList.remove("target"));
    card.item.classList.add("target");
  }

  // An answer's citation was followed: to the newest page with that cursor before it.
  cited(event, cursor, line) {
    const card = this.conversation.cards.find((one) => one.results.some((result) => result.text.startsWith(`[${cursor}] `)));
    if (!card) return;
    event.preventDefault();
    fillNow(card.item);
    const found = card.item.querySelector(`#c${cursor}-L${line}`);
    const target = found || card.item;
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    target.scrollIntoView({ block: "center" });
    card.item.focus({ preventScroll: true });
  }

  // Keep what is being written in sight, if the reader was there already.
  follow(card) {
    if (!card || !card.item || this.view !== "talk") return;
    const room = innerHeight - document.getElementById("player").offsetHeight - 24;
    const below = card.item.getBoundingClientRect().bottom - room;
    if (below > 0) scrollBy(0, below);
  }

  sift() {
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean), kind = this.kind.value;
    const kinds = { tool: ["call", "result"], answer: ["answer", "commentary"], note: ["note", "instructions"] }[kind] || [kind];
    let count = 0;
    for (const card of this.conversation.cards) {
      const fits = (!kind || kinds.includes(card.kind)) && words.every((word) => this.cards.words(card).includes(word));
      card.item.hidden = !fits;
      count += fits;
    }
    this.status.textContent = words.length || kind ? `${counted(count, "message")} of ${this.conversation.cards.length.toLocaleString()}` : this.live || "";
  }

  open(view) {
    this.view = view;
    for (const tab of this.tabs) {
      const chosen = tab.getAttribute("aria-controls") === view;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !chosen;
    }
    document.body.dataset.view = view;
    if (view === "charts") this.charts.show(this.conversation);
    if (view === "xray") this.xrays.show();
  }

  xray(made) {
    this.open("xray");
    this.xrays.show(made);
    scrollTo(0, 0);
    document.getElementById("tab-xray").focus();
  }

  // Live

  async watch() {
    const pause = (ms) => new Promise((done) => setTimeout(done, ms));
    let failures = 0;
    while (failures < 5) {
      await pause(document.hidden ? 2000 : 300);
      try {
        const answer = await fetch(`updates?after=${this.model.count}`, { cache: "no-store" });
        if (!answer.ok) throw new Error(answer.statusText);
        this.more(await answer.json());
        failures = 0;
        this.tell("live");
      } catch { failures += 1; this.tell("the connection was lost"); }
    }
    this.tell("no longer live: gptoss view has ended");
  }

  tell(text) {
    const before = this.live;
    this.live = text;
    if (before !== text) this.sift();
  }

  more(updates) {
    if (!updates.length) return;
    const { conversation, model } = this;
    const wasCurrent = conversation.branch === model.current();
    const atEnd = innerHeight + scrollY > document.documentElement.scrollHeight - 200;
    const path = new Map(model.path(conversation.branch).map(([branch, last]) => [branch, last]));
    const changed = new Set();
    for (const update of updates) {
      const event = model.take(update);
      if (!event) continue;
      const last = path.get(model.branches[event.b]);
      if (last !== undefined && event.seq <= last) for (const card of conversation.take(event)) changed.add(card);
    }
    this.showBranches();
    if (wasCurrent && model.current() !== conversation.branch) { this.show(model.current()); return; }
    for (const card of changed) this.cards.update(card);
    this.showTurns();
    if (!this.player.playing && this.player.at >= this.player.total) this.player.begin(conversation);
    if (changed.size && (this.filter.value || this.kind.value)) this.sift();
    if (this.view === "charts") this.charts.show(conversation);
    if (this.view === "xray") this.xrays.show(this.xrays.made);
    if (atEnd) this.follow(conversation.cards[conversation.cards.length - 1]);
  }
}

const page = new Page(JSON.parse(document.getElementById("data").textContent));
if (document.documentElement.hasAttribute("data-live")) page.watch();
