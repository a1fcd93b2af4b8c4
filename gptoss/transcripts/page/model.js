"use strict";
// What the updates say, folded: see gptoss/transcripts/page/feed.py for what they are.

const START = 200006, MESSAGE = 200008, FIRST_SPECIAL = 199998, REMOVED = -1;

class Model {
  constructor() {
    this.session = {};
    this.branches = [];
    this.words = new Map();
    this.segments = [];
    this.files = new Map();
    this.count = 0;
  }

  // Takes an update; returns it if it is an event.
  take(update) {
    this.count += 1;
    switch (update.u) {
      case "session": this.session = update; break;
      case "branch": this.branches.push({ ...update, events: [] }); break;
      case "words": for (const id in update.words) this.words.set(Number(id), update.words[id]); break;
      case "segment": this.segments.push(update); break;
      case "file": this.files.set(update.digest, update); break;
      case "event": this.branches[update.b].events.push(update); return update;
    }
    return null;
  }

  branchNamed(name) { return this.branches.find((branch) => branch.name === name); }
  current() { return this.branches.find((branch) => branch.id === this.session.branch) || this.branches[0]; }

  // The branches on the way from the root to one, each with the last seq that counts.
  path(branch) {
    const found = [];
    let last = Infinity;
    for (let at = branch; at; at = this.branches.find((one) => one.id === at.parent)) {
      if (at.at < last) found.unshift([at, last]);
      last = Math.min(last, at.at);
    }
    return found;
  }

  word(id) {
    const word = this.words.get(id);
    if (typeof word === "string") return word;
    return word ? "\ufffd".repeat(word.length) : id === REMOVED ? "█" : "�";
  }

  // Tokens as text; what is no text by itself is put together again.
  decode(ids, until = ids.length) {
    let text = "", decoder = null;
    for (let n = 0; n < until; n += 1) {
      const word = this.words.get(ids[n]);
      if (Array.isArray(word)) {
        decoder = decoder || new TextDecoder();
        text += decoder.decode(Uint8Array.from(word), { stream: true });
      } else {
        if (decoder) { text += decoder.decode(); decoder = null; }
        text += word === undefined ? (ids[n] === REMOVED ? "█" : "\ufffd") : word;
      }
    }
    return decoder ? text + decoder.decode() : text;
  }
}

// The conversation of one branch. `take` gives the cards that an event made or changed.
class Conversation {
  constructor(model, branch) {
    this.model = model;
    this.branch = branch;
    this.cards = [];
    this.bySeq = new Map();
    this.turns = [];
    this.generations = [];
    this.began = 0;
    this.settings = {};
    this.open = null; // the generation that runs
    this.call = null; // the card of the call that runs
    this.writing = null; // the card of the message that is being written
    this.cited = new Map(); // cursor of a page -> lines that an answer cites
    this.past = true; // what was being written then is whole by now
    for (const [at, last] of model.path(branch)) {
      for (const event of at.events) if (event.seq <= last) this.take(event);
    }
    this.past = false;
    if (this.open) this.write(this.open);
  }

  get turn() { return this.turns[this.turns.length - 1]; }

  take(event) {
    if (!this.began) this.began = event.time;
    if (this.turn) this.turn.end = event.time;
    const steps = {
      message: this.message, generation: this.generation, tokens: this.tokens, finished: this.finished,
      called: this.called, returned: this.returned, note: this.note, settings: this.setting,
    };
    return steps[event.k] ? steps[event.k].call(this, event) : [];
  }

  add(card) {
    card.turn = this.turns.length;
    this.cards.push(card);
    this.bySeq.set(card.seq, card);
    return card;
  }

  drop(card) {
    card.gone = true;
    this.cards.splice(this.cards.lastIndexOf(card), 1);
    if (this.bySeq.get(card.seq) === card) this.bySeq.delete(card.seq);
    return card;
  }

  message(event) {
    const changed = [];
    if (this.writing) { changed.push(this.drop(this.writing)); this.writing = null; }
    if (event.role === "tool") {
      const result = { text: event.text, name: event.name, time: event.time };
      if (this.call) {
        this.call.results.push(result);
        this.bySeq.set(event.seq, this.call);
        changed.push(this.call);
        return changed;
      }
      changed.push(this.add({ seq: event.seq, kind: "result", time: event.time, text: event.text, title: event.name || "tool", results: [] }));
      return changed;
    }
    if (event.role === "user") {
      this.turns.push({ number: this.turns.length + 1, seq: event.seq, text: event.text, time: event.time, end: event.time, parts: { wait: 0, write: 0, tools: 0 } });
      this.call = null;
    }
    const card = {
      seq: event.seq, kind: kindOf(event), time: event.time, text: event.text, tree: event.tree, to: event.to,
      channel: event.channel, type: event.type, partial: event.partial, results: [], files: [],
    };
    const made = this.generations.find((one) => one.seq === event.gen);
    if (made) this.attach(card, event, made);
    if (card.kind === "call") this.call = card;
    if (card.kind === "answer") this.cite(card.text);
    changed.push(this.add(card));
    return changed;
  }

  // Which tokens a message was written as, and when each came.
  attach(card, event, made) {
    card.made = made;
    if (!event.span) return;
    const [first, last] = event.span;
    const ids = made.ids.slice(first, last), times = made.times.slice(first, last);
    const begins = ids.indexOf(MESSAGE) + 1;
    let ends = ids.length;
    while (ends > begins && ids[ends - 1] >= FIRST_SPECIAL) ends -= 1;
    card.ids = ids.slice(begins, ends);
    card.times = times.slice(begins, ends);
    card.count = last - first;
    if (begins > 0 && times.length) card.time = times[begins - 1];
  }

  generation(event) {
    const changed = [];
    const earlier = event.continues ? this.generations.find((one) => one.seq === event.continues) : null;
    const made = {
      ...event, number: this.generations.length, turn: this.turns.length, ids: earlier ? earlier.ids.slice() : [],
      times: earlier ? earlier.times.slice() : [], logprobs: [], elapsed: 0, sampled: 0, reason: null,
    };
    made.inherited = made.ids.length;
    const last = this.cards[this.cards.length - 1];
    if (earlier && last && last.partial) changed.push(this.drop(last));
    this.generations.push(made);
    this.open = made;
    return changed;
  }

  tokens(event) {
    const made = this.open;
    if (!made) return [];
    const ids = event.ids || new Array(event.count).fill(REMOVED);
    ids.forEach((id, n) => {
      made.ids.push(id);
      made.times.push(made.time + (made.elapsed + ((event.ms - made.elapsed) * (n + 1)) / ids.length) * 1000);
    });
    if (event.logprobs) made.logprobs.push(...event.logprobs);
    made.elapsed = event.ms;
    made.sampled += ids.length;
    return event.ids && !this.past ? this.write(made) : [];
  }

  // The message that a model is writing right now, as far as its tokens tell.
  write(made) {
    const begins = made.ids.lastIndexOf(MESSAGE) + 1;
    if (!begins) return [];
    const header = this.model.decode(made.ids.slice(made.ids.lastIndexOf(START, begins - 1) + 1, begins - 1));
    const recipient = /\bto=([^\s<]+)/.exec(header);
    const end = made.ids.findIndex((id, n) => n >= begins && id >= FIRST_SPECIAL);
    if (end >= 0) return [];
    const text = this.model.decode(made.ids.slice(begins));
    if (!this.writing) {
      const kind = recipient ? "call" : header.includes("final") ? "answer" : header.includes("commentary") ? "commentary" : "reasoning";
      this.writing = this.add({ seq: made.seq, kind, to: recipient ? recipient[1] : "", time: made.times[begins - 1], results: [], files: [], written: true });
    }
    this.writing.text = text;
    return [this.writing];
  }

  finished(event) {
    const made = this.open;
    if (!made) return [];
    const changed = this.writing ? [this.drop(this.writing)] : [];
    this.writing = null;
    this.open = null;
    Object.assign(made, { reason: event.reason, ms: event.ms ?? made.elapsed, first: event.first, prefilled: event.prefilled, error: event.error });
    if (this.turn) {
      const wait = Math.min(made.first ?? 0, made.ms);
      this.turn.parts.wait += wait;
      this.turn.parts.write += made.ms - wait;
    }
    changed.push(...this.cards.filter((card) => card.made === made));
    return changed;
  }

  called(event) {
    const card = this.bySeq.get(event.message);
    if (!card) return [];
    this.call = card;
    card.running = event.seq;
    return [card];
  }

  returned(event) {
    const card = this.call;
    if (this.turn) this.turn.parts.tools += event.ms;
    if (!card) return [];
    Object.assign(card, { running: null, outcome: event.outcome, ms: event.ms, files: event.files, returned: event.time });
    return [card];
  }

  note(event) { return [this.add({ seq: event.seq, kind: "note", time: event.time, text: event.text, results: [] })]; }

  setting(event) {
    const before = this.settings;
    this.settings = event.settings;
    if (!before.start_date) return [];
    const names = new Set([...Object.keys(before), ...Object.keys(event.settings)]);
    const changes = [...names].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(event.settings[name]))
      .map((name) => `${name.replaceAll("_", " ")} ${shown(before[name])} → ${shown(event.settings[name])}`);
    return [this.add({ seq: event.seq, kind: "note", time: event.time, text: `settings changed: ${changes.join("; ")}`, results: [] })];
  }

  cite(text) {
    for (const [, cursor, first, last] of text.matchAll(CITATION)) {
      const lines = this.cited.get(Number(cursor)) || new Set();
      for (let line = Number(first); line <= Math.min(Number(last || first), Number(first) + 200); line += 1) lines.add(line);
      this.cited.set(Number(cursor), lines);
    }
  }

  // The numbers of the segments of a generation's prompt, and the messages left out of it.
  prompt(made) {
    let numbers = [], dropped = [];
    for (const one of this.generations) {
      if (one.prompt) {
        const runs = one.prompt.add, added = [];
        for (let n = 0; n < runs.length; n += 2) for (let k = 0; k < runs[n + 1]; k += 1) added.push(runs[n] + k);
        numbers = numbers.slice(0, one.prompt.keep).concat(added);
        dropped = dropped.slice(0, one.dropped.keep).concat(one.dropped.add);
      }
      if (one === made) break;
    }
    return { segments: numbers.map((number) => this.model.segments[number]), dropped };
  }
}

const CITATION = /【(\d{1,9})†L(\d{1,9})(?:[-\u2010-\u2013]L?(\d{1,9}))?】/g;

function kindOf(message) {
  if (message.role === "user") return "user";
  if (message.role !== "assistant") return "instructions";
  if (message.to && message.to !== "all" && message.to !== "user") return "call";
  if (message.channel === "analysis") return "reasoning";
  return message.channel === "final" ? "answer" : "commentary";
}

function shown(value) {
  if (value === undefined || value === null) return "default";
  if (Array.isArray(value)) return value.map((one) => one.name || String(one)).join(", ") || "none";
  return String(value);
}
