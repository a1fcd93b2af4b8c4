// Elements. Text only ever becomes text nodes; tags and attributes come from here, never from data.

const TAGS = new Set("p h1 h2 h3 h4 h5 h6 ul ol li blockquote pre code em strong s hr br table thead tbody tr th td".split(" "));
const LONG = 20000;

// element("div", {class: "x"}, "text", child)
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// The tree of a Markdown text (see markup.py). `text` turns a string into nodes.
function tree(nodes, text, depth = 0) {
  return nodes.flatMap((node) => {
    if (typeof node === "string") return text(node);
    const [tag, ...children] = node;
    if (depth > 60) return children.flat(Infinity).join(" ");
    if (tag === "a") {
      const [address, ...inside] = children;
      if (!/^(https?:\/\/|mailto:)/i.test(address)) return tree(inside, text, depth + 1);
      return element("a", { href: address, rel: "noopener noreferrer nofollow", target: "_blank", title: address }, ...tree(inside, text, depth + 1));
    }
    if (!TAGS.has(tag)) return tree(children, text, depth + 1);
    const plain = tag === "pre" || tag === "code";
    return element(/^h[1-6]$/.test(tag) ? "h4" : tag, tag === "pre" ? { tabindex: "0" } : {}, ...tree(children, plain ? (one) => [visible(one)] : text, depth + 1));
  });
}

// What cannot be seen but turns text around or hides it is spelt out.
function visible(text) {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\ufeff]/g,
    (one) => (one < " " ? String.fromCharCode(0x2400 + one.charCodeAt(0)) : `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`));
}

// A text of any length: the rest of a very long one comes on demand.
function plain(text, tag = "div", attributes = {}) {
  const made = element(tag, { class: "text", ...attributes }, visible(text.slice(0, LONG)));
  if (text.length > LONG) {
    let shownTo = LONG;
    const more = element("button", { type: "button", class: "more", click: () => {
      const next = text.slice(shownTo, shownTo + 10 * LONG);
      shownTo += next.length;
      more.before(visible(next));
      more.textContent = `Show more (${(text.length - shownTo).toLocaleString()} characters)`;
      if (shownTo >= text.length) more.remove();
    } }, `Show more (${(text.length - LONG).toLocaleString()} characters)`);
    made.append(more);
  }
  return made;
}

function seconds(ms) {
  if (ms === null || ms === undefined) return "";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60000)} min ${Math.round((ms % 60000) / 1000)} s`;
}

function clock(ms) {
  const whole = Math.max(0, Math.round(ms / 1000));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function counted(number, what) { return `${number.toLocaleString()} ${what}${number === 1 ? "" : "s"}`; }

// Calls `fill` for an element once it comes near the screen.
const nearing = new Map();
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) fillNow(entry.target);
}, { rootMargin: "1200px 0px" });

function fillLate(target, fill) {
  nearing.set(target, fill);
  watcher.observe(target);
}

function fillNow(target) {
  const fill = nearing.get(target);
  if (!fill) return;
  nearing.delete(target);
  watcher.unobserve(target);
  fill();
}
