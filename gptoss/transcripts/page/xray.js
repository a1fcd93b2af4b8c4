// The X-ray: the exact tokens of a prompt and of the answer to it.

const SOURCES = {
  system: "system message", developer: "developer message", rendered: "rendered from text",
  sampled: "as it was sampled", cue: "the cue to speak",
};

class XRay {
  constructor(panel, page) {
    this.panel = panel;
    this.page = page;
    this.choice = element("select", { name: "generation", "aria-label": "Generation", change: () => this.show(this.conversation.generations[Number(this.choice.value)]) });
    this.back = element("button", { type: "button", click: () => this.step(-1), "aria-label": "Previous generation" }, "‹");
    this.next = element("button", { type: "button", click: () => this.step(1), "aria-label": "Next generation" }, "›");
    this.numbers = element("input", { type: "checkbox", name: "numbers", change: () => panel.classList.toggle("numbered", this.numbers.checked) });
    this.body = element("div", { class: "tokens" });
    this.facts = element("p", { class: "dim" });
    panel.replaceChildren(
      element("h2", {}, "Harmony X-ray"),
      element("div", { class: "choose" }, element("label", {}, "Generation ", this.choice), this.back, this.next, element("label", {}, this.numbers, " token ids")),
      this.facts,
      element("p", { class: "legend" }, ...["sampled", "rendered", "special"].map((name) => element("span", { class: `token ${name}` }, name)), element("span", { class: "dim" }, "what the model sampled, what was rendered from text, special tokens")),
      this.body);
  }

  begin(conversation) {
    this.conversation = conversation;
    this.made = this.drawn = null;
    this.choice.replaceChildren();
  }

  step(by) {
    const next = this.conversation.generations[(this.made ? this.made.number : 0) + by];
    if (next) this.show(next);
  }

  // Open on a generation, or the newest one.
  show(made) {
    const all = this.conversation.generations;
    for (let n = this.choice.options.length; n < all.length; n += 1) this.choice.append(element("option", { value: n }, `${n + 1}: turn ${all[n].turn}, message ${all[n].seq}${all[n].continues ? " (goes on)" : ""}`));
    const before = this.drawn;
    this.made = made = made || this.made || all[all.length - 1];
    if (!made) { this.facts.textContent = "No model was asked anything yet."; return; }
    this.choice.value = String(made.number);
    this.back.disabled = made.number === 0;
    this.next.disabled = made.number === all.length - 1;
    const sampling = Object.entries(made.sampling).map(([name, value]) => `${name} ${value}`).join(", ");
    this.facts.textContent = `${made.backend} · model ${made.model} · ${sampling || "default sampling"} · prompt of ${counted(made.prompt_tokens, "token")}${made.prefilled !== undefined && made.prefilled !== null ? `, ${made.prefilled.toLocaleString()} of them computed` : ""} · ${counted(made.sampled, "token")} sampled · ${made.reason || "under way"}`;
    this.drawn = `${made.number} ${made.sampled} ${made.reason}`;
    if (this.drawn === before) return;
    if (!made.prompt) {
      this.body.replaceChildren(element("p", {}, made.problem ? `${made.problem[0].toUpperCase()}${made.problem.slice(1)}.` : "This export holds no tokens."));
      return;
    }
    const { segments, dropped } = this.conversation.prompt(made);
    this.body.replaceChildren(
      this.dropped(dropped),
      element("h3", {}, "Prompt"),
      ...segments.map((segment) => this.segment(segment.source, segment.source === "sampled" ? "sampled" : "rendered", segment.ids, segment.seq)),
      element("h3", {}, "Answer"),
      this.segment(made.inherited ? "what this generation added" : "as it was sampled", "sampled", made.ids.slice(made.inherited), null, made.logprobs));
  }

  // `dropped` has runs of messages: the first, the last, how many, why.
  dropped(dropped) {
    if (!dropped.length) return element("p", { class: "dropped" }, "Nothing was left out of the prompt.");
    const reasons = new Map();
    for (const [first, last, , reason] of dropped) reasons.set(reason, [...(reasons.get(reason) || []), [first, last]]);
    const count = dropped.reduce((all, [, , messages]) => all + messages, 0);
    return element("details", { class: "dropped", open: dropped.length <= 12 },
      element("summary", {}, `${counted(count, "message")} left out of the prompt`),
      element("ul", {}, ...[...reasons].map(([reason, runs]) => element("li", {}, reason === "trimmed" ? "because the conversation outgrew the context: " : `because it is ${reason}: `,
        ...runs.slice(0, 200).flatMap(([first, last], n) => [n ? ", " : "", this.message(first), ...(last > first ? [" to ", this.message(last)] : [])]), runs.length > 200 ? ` and ${runs.length - 200} more` : ""))));
  }

  message(seq) {
    const card = this.conversation.bySeq.get(seq);
    return card ? element("a", { href: this.page.address(card) }, `message ${seq}`) : `message ${seq}`;
  }

  segment(source, look, ids, seq, logprobs = []) {
    const tokens = element("div", { class: "run" });
    const lines = Math.ceil(ids.length / 14);
    tokens.style.minHeight = `${Math.min(lines, 400) * 24}px`;
    fillLate(tokens, () => {
      tokens.style.minHeight = "";
      tokens.append(...ids.map((id, n) => this.token(id, look, logprobs[n])));
    });
    // What every prompt begins with is seldom what is looked for.
    return element("details", { class: `segment ${look}`, open: !["system", "developer"].includes(source) },
      element("summary", {}, element("h4", {}, seq ? [this.message(seq), ", "] : null, SOURCES[source] || source, element("span", { class: "dim" }, ` ${counted(ids.length, "token")}`))), tokens);
  }

  token(id, look, logprob) {
    const special = id >= FIRST_SPECIAL, gone = id === REMOVED;
    const text = this.conversation.model.word(id);
    const title = gone ? "removed" : `${id}${logprob === undefined ? "" : `, log probability ${logprob}`}`;
    return element("span", { class: `token ${special ? "special" : gone ? "gone" : look}`, title, "data-id": gone ? null : id }, visible(text).replaceAll("\n", "⏎\n").replaceAll("\t", "⇥\t"));
  }
}
