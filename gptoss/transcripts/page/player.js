// The player: shows the conversation as it came, with the recorded timing. Long pauses are cut short.

const LONGEST_PAUSE = 2e6; // microseconds

class Player {
  constructor(page) {
    this.page = page;
    this.play = document.getElementById("play");
    this.scrub = document.getElementById("scrub");
    this.clock = document.getElementById("clock");
    this.speed = document.getElementById("speed");
    this.playing = false;
    this.play.addEventListener("click", () => this.toggle());
    this.scrub.addEventListener("input", () => { this.pause(); this.seek(Number(this.scrub.value)); });
  }

  // Lays out the moments of a conversation: [time as recorded, time in the player], rising.
  begin(conversation) {
    this.conversation = conversation;
    this.pause();
    const moments = [];
    for (const card of conversation.cards) {
      moments.push(card.time, ...(card.times || []));
      if (card.returned) moments.push(card.returned);
      for (const result of card.results) moments.push(result.time);
    }
    const sorted = Float64Array.from(moments).sort();
    this.real = sorted;
    this.played = new Float64Array(sorted.length);
    for (let n = 1; n < sorted.length; n += 1) this.played[n] = this.played[n - 1] + Math.min(sorted[n] - sorted[n - 1], LONGEST_PAUSE);
    this.total = sorted.length ? this.played[sorted.length - 1] : 0;
    this.order = conversation.cards.slice().sort((a, b) => a.time - b.time || a.seq - b.seq);
    this.scrub.max = String(this.total || 1);
    this.at = this.total;
    this.whole();
  }

  toggle() {
    if (this.playing) { this.pause(); return; }
    if (this.at >= this.total) this.seek(0);
    this.playing = true;
    this.label();
    let before = performance.now();
    const tick = (now) => {
      if (!this.playing) return;
      const at = this.at + (now - before) * 1000 * Number(this.speed.value);
      before = now;
      this.seek(at);
      this.page.follow(this.newest);
      if (this.at >= this.total) this.pause(); else requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  pause() {
    this.playing = false;
    this.label();
  }

  label() {
    this.play.textContent = this.playing ? "⏸" : "▶";
    this.play.setAttribute("aria-label", this.playing ? "Pause" : "Play");
  }

  // Shows everything, as when nothing is played.
  whole() {
    this.shown = this.order.length;
    this.newest = this.order[this.order.length - 1];
    this.page.cards.until = Infinity;
    document.body.classList.remove("replaying");
    for (const card of this.order) if (card.item) card.item.classList.remove("future");
    this.tell();
  }

  // Shows what was there at a moment of the player.
  seek(at) {
    this.at = Math.max(0, Math.min(at, this.total));
    const cards = this.page.cards, until = this.realAt(this.at), before = cards.until;
    if (this.at >= this.total) {
      const unfinished = this.order.filter((card) => card.item && !nearing.has(card.item) && ending(card) > before);
      this.whole();
      for (const card of unfinished) cards.fill(card);
      return;
    }
    document.body.classList.add("replaying");
    cards.until = until;
    if (before === Infinity) for (const card of this.order) if (card.item) card.item.classList.add("future");
    if (before === Infinity) this.shown = 0;
    while (this.shown < this.order.length && this.order[this.shown].time <= until) { this.order[this.shown].item.classList.remove("future"); this.shown += 1; }
    while (this.shown > 0 && this.order[this.shown - 1].time > until) { this.shown -= 1; this.order[this.shown].item.classList.add("future"); }
    this.newest = this.order[Math.max(0, this.shown - 1)];
    // Whatever was being written between the two moments looks otherwise now.
    const [low, high] = before === Infinity ? [until, Infinity] : [Math.min(before, until), Math.max(before, until)];
    for (let n = this.shown - 1; n >= 0 && n > this.shown - 200; n -= 1) {
      const card = this.order[n];
      if (ending(card) >= low && card.time <= high && !nearing.has(card.item)) cards.fill(card);
    }
    this.tell();
  }

  realAt(at) {
    let low = 0, high = this.played.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.played[middle] <= at) low = middle; else high = middle - 1;
    }
    return this.real.length ? this.real[low] + Math.min(at - this.played[low], LONGEST_PAUSE) : 0;
  }

  tell() {
    this.scrub.value = String(this.at);
    this.clock.textContent = `${clock(this.at / 1000)} / ${clock(this.total / 1000)}`;
    this.scrub.setAttribute("aria-valuetext", this.clock.textContent);
  }
}

// When a card was complete.
function ending(card) {
  const last = card.times && card.times.length ? card.times[card.times.length - 1] : card.time;
  return Math.max(last, card.returned || 0, ...card.results.map((result) => result.time));
}
