// Pictures in rows that fill the width, each in its own shape, under the days they were made on. Only what is near the
// window is in the document: a hundred thousand pictures scroll like sixty. Every place is known before a picture is there.

const NEAR = 0.4; // windows above and below what is seen that are drawn as well
const AHEAD = 3; // windows before the end at which more is asked for
const LONG_PRESS_MS = 450;
const SHAPES = [0.42, 2.8]; // the narrowest and the widest tile

class Gallery {
  // `acts`: more(), open(index), picked(). `words` and `language` as the page has them.
  constructor(element, words, language, acts) {
    Object.assign(this, { element, words, language, acts, cards: [], there: new Set(), picked: new Set(), at: 0, from: 0, byDay: true });
    this.tiles = new Map();
    this.lay();
    const scrolled = () => {
      if (!element.isConnected) return document.removeEventListener("scroll", scrolled, true);
      this.soon();
    };
    document.addEventListener("scroll", scrolled, { capture: true, passive: true });
    new ResizeObserver(() => element.clientWidth !== this.width && this.again()).observe(element);
    this.listen();
  }

  // --- what there is ----------------------------------------------------------------------------------------------

  show(cards, byDay) {
    Object.assign(this, { cards, byDay, at: 0, from: 0, there: idsOf(cards) });
    this.picked.clear();
    this.again();
    this.acts.picked();
  }

  // Those that are there already are left out.
  append(cards) {
    for (const card of cards) {
      if (this.there.has(card.id)) continue;
      this.there.add(card.id);
      this.cards.push(card);
    }
    this.lay();
    this.draw();
  }

  // The same pictures without some, or with some of them changed; the place in the page stays.
  keep(cards) {
    this.cards = cards;
    this.there = idsOf(cards);
    for (const id of this.picked) if (!this.there.has(id)) this.picked.delete(id);
    this.at = Math.max(0, Math.min(this.at, cards.length - 1));
    this.again();
    this.acts.picked();
  }

  chosen() {
    return this.cards.filter((card) => this.picked.has(card.id));
  }

  pick(ids, only = false) {
    if (only) this.picked.clear();
    for (const id of ids) this.picked.add(id);
    this.draw();
    this.acts.picked();
  }

  toggle(index) {
    const { id } = this.cards[index];
    this.picked.has(id) ? this.picked.delete(id) : this.picked.add(id);
    this.from = index;
    this.draw();
    this.acts.picked();
  }

  // --- where it is ------------------------------------------------------------------------------------------------

  again() {
    this.rows = [];
    this.laid = 0;
    this.lay();
    for (const tile of this.tiles.values()) tile.remove();
    this.tiles.clear();
    this.draw();
  }

  // Places what has no place yet. A last row that is not full is open: what comes next may join it.
  lay() {
    this.rows ??= [];
    this.width = this.element.clientWidth;
    const small = this.width < 640;
    this.gap = small ? 6 : 10;
    this.wanted = small ? 132 : this.width < 1100 ? 184 : 208;
    const open = this.rows.at(-1)?.open ? this.rows.pop() : null;
    let next = open ? open.first : (this.laid ?? 0);
    let top = open ? open.top : this.rows.length ? this.rows.at(-1).bottom : 0;
    if (!next) this.day = null;
    while (next < this.cards.length) {
      if (this.byDay && !this.isOfDay(this.cards[next])) {
        const height = next ? 76 : 44;
        this.day = dayOf(this.cards[next].at);
        this.rows.push({ top, bottom: top + height, day: this.day.start, first: next, count: 0 });
        top += height;
      }
      const row = this.row(next);
      this.rows.push({ ...row, top, bottom: top + row.height + this.gap });
      top += row.height + this.gap;
      next += row.count;
    }
    this.laid = this.cards.length;
    this.element.style.height = `${top}px`;
  }

  row(first) {
    let [shapes, count] = [0, 0];
    for (let card; (card = this.cards[first + count]) && (!this.byDay || this.isOfDay(card)); ) {
      shapes += shapeOf(card);
      count += 1;
      const room = this.width - (count - 1) * this.gap;
      if (shapes * this.wanted >= room) return { first, count, height: room / shapes, open: false };
    }
    const above = this.rows.at(-1); // what does not fill a row is as high as the one above
    return { first, count, height: above?.count ? Math.min(above.height, this.wanted) : this.wanted, open: first + count >= this.cards.length };
  }

  isOfDay({ at }) {
    return this.day !== null && at >= this.day.start && at < this.day.end;
  }

  // The row that is at `top`, by halving.
  rowAt(top) {
    let [low, high] = [0, this.rows.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle].bottom <= top) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  rowOf(index) {
    return this.rows.findIndex((row) => index >= row.first && index < row.first + row.count);
  }

  boxes(row) {
    let left = 0;
    return Array.from({ length: row.count }, (_, n) => {
      const width = shapeOf(this.cards[row.first + n]) * row.height;
      left += width + this.gap;
      return { left: left - width - this.gap, width };
    });
  }

  // --- what is seen -----------------------------------------------------------------------------------------------

  soon() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  draw() {
    const { top } = this.element.getBoundingClientRect();
    const tall = innerHeight;
    const [above, below] = [-top - NEAR * tall, -top + (1 + NEAR) * tall];
    const wanted = new Set();
    for (let n = this.rowAt(above); n < this.rows.length && this.rows[n].top < below; n += 1) this.drawRow(this.rows[n], wanted);
    for (const [key, tile] of this.tiles) {
      if (wanted.has(key)) continue;
      if (tile.contains(tile.getRootNode().activeElement)) this.element.focus({ preventScroll: true });
      tile.remove();
      this.tiles.delete(key);
    }
    if (-top + AHEAD * tall > (this.rows.at(-1)?.bottom ?? 0)) this.acts.more();
  }

  drawRow(row, wanted) {
    if (!row.count) {
      const key = `day ${row.first}`;
      wanted.add(key);
      this.place(key, () => this.heading(row.day), 0, row.top, this.width, row.bottom - row.top);
      return;
    }
    this.boxes(row).forEach(({ left, width }, n) => {
      const index = row.first + n;
      const card = this.cards[index];
      wanted.add(card.id);
      const tile = this.place(card.id, () => this.tile(card), left, row.top, width, row.height);
      this.update(tile, card, index);
    });
  }

  place(key, make, left, top, width, height) {
    let element = this.tiles.get(key);
    if (!element) {
      element = make();
      this.tiles.set(key, element);
      this.element.append(element);
    }
    const where = `translate(${left.toFixed(1)}px, ${top.toFixed(1)}px)`;
    if (element.where !== where + width + height) {
      element.where = where + width + height;
      Object.assign(element.style, { transform: where, width: `${width.toFixed(1)}px`, height: `${height.toFixed(1)}px` });
    }
    return element;
  }

  heading(day) {
    const element = make("div", "day");
    element.setAttribute("role", "presentation");
    element.append(text("h2", "", dayName(day, this.words, this.language)));
    return element;
  }

  tile(card) {
    const tile = make("div", "tile");
    tile.setAttribute("role", "option");
    if (card.has) {
      const image = make("img", "", { alt: "", decoding: "async", draggable: false, src: thumbOf(card) });
      image.onerror = () => {
        image.remove();
        tile.append(text("p", "", this.words.gone));
      };
      tile.append(image);
    } else {
      tile.append(text("p", "", absence(card, this.words)));
    }
    const tick = make("span", "tick");
    const heart = text("span", "heart", "♥");
    tick.setAttribute("aria-hidden", "true");
    heart.setAttribute("aria-hidden", "true");
    tick.title = this.words.select;
    tile.append(tick, heart);
    return tile;
  }

  update(tile, card, index) {
    const picked = this.picked.has(card.id);
    tile.dataset.id = card.id;
    tile.dataset.index = index;
    tile.dataset.state = card.state;
    tile.dataset.favourite = String(card.favourite);
    tile.setAttribute("aria-selected", String(picked));
    tile.setAttribute("aria-posinset", index + 1);
    tile.tabIndex = index === this.at ? 0 : -1;
    const said = [card.prompt, card.favourite && this.words.favourite, card.state !== "done" && tile.querySelector("p")?.textContent];
    tile.setAttribute("aria-label", said.filter(Boolean).join(" · "));
  }

  // --- mouse, finger, keyboard --------------------------------------------------------------------------------------

  listen() {
    const { element } = this;
    const of = (event) => event.target.closest?.(".tile");
    element.addEventListener("click", (event) => {
      const tile = of(event);
      if (!tile || this.pressed) return void (this.pressed = false);
      const index = Number(tile.dataset.index);
      this.at = index;
      if (event.shiftKey) this.pickTo(index);
      else if (event.ctrlKey || event.metaKey || event.target.closest(".tick") || this.picked.size) this.toggle(index);
      else this.acts.open(index);
    });
    element.addEventListener("pointerdown", (event) => {
      const tile = of(event);
      this.pressed = false;
      clearTimeout(this.pressing);
      if (!tile || event.pointerType !== "touch") return;
      this.pressing = setTimeout(() => {
        this.pressed = true; // the click that follows is this press
        this.toggle(Number(tile.dataset.index));
      }, LONG_PRESS_MS);
    });
    for (const end of ["pointerup", "pointercancel", "pointermove"]) {
      element.addEventListener(end, (event) => {
        if (end !== "pointermove" || Math.hypot(event.movementX, event.movementY) > 6) clearTimeout(this.pressing);
      });
    }
    element.addEventListener("contextmenu", (event) => this.pressed && event.preventDefault());
    element.addEventListener("focusin", (event) => {
      const tile = of(event);
      if (!tile) return;
      this.at = Number(tile.dataset.index);
      this.soon();
    });
    element.addEventListener("keydown", (event) => this.onKey(event));
  }

  pickTo(index) {
    const [first, last] = [this.from, index].sort((a, b) => a - b);
    this.pick(this.cards.slice(first, last + 1).map((card) => card.id));
  }

  onKey(event) {
    const last = this.cards.length - 1;
    const to = { ArrowRight: this.at + 1, ArrowLeft: this.at - 1, ArrowDown: this.beside(1), ArrowUp: this.beside(-1), Home: 0, End: last }[event.key];
    if (to !== undefined && last >= 0 && !event.altKey && !event.metaKey) {
      event.preventDefault();
      const before = this.at;
      this.focus(Math.max(0, Math.min(last, to)));
      if (event.shiftKey) {
        if (!this.picked.size) this.from = before;
        this.pickTo(this.at);
      }
    } else if (event.key === " " && !event.ctrlKey) {
      event.preventDefault();
      if (this.cards[this.at]) this.toggle(this.at);
    } else if (event.key === "Enter" && this.cards[this.at]) {
      event.preventDefault();
      this.acts.open(this.at);
    }
  }

  // The picture nearest to straight below or above.
  beside(step) {
    let n = this.rowOf(this.at);
    if (n < 0) return this.at;
    const middle = ({ left, width }) => left + width / 2;
    const here = middle(this.boxes(this.rows[n])[this.at - this.rows[n].first]);
    do n += step;
    while (this.rows[n] && !this.rows[n].count);
    const row = this.rows[n];
    if (!row) return this.at;
    const away = this.boxes(row).map((box) => Math.abs(middle(box) - here));
    return row.first + away.indexOf(Math.min(...away));
  }

  focus(index) {
    this.at = index;
    const row = this.rows[this.rowOf(index)];
    if (!row) return;
    const { top } = this.element.getBoundingClientRect();
    const [above, below] = [top + row.top - 96, top + row.bottom + 72 - innerHeight];
    if (above < 0) scrollerOf(this.element).scrollTop += above;
    else if (below > 0) scrollerOf(this.element).scrollTop += below;
    this.draw();
    this.tiles.get(this.cards[index].id)?.focus({ preventScroll: true });
  }
}

function idsOf(cards) {
  return new Set(cards.map((card) => card.id));
}

function shapeOf({ width, height }) {
  return Math.max(SHAPES[0], Math.min(SHAPES[1], width / height || 1));
}

// From midnight to midnight, as the person who looks has it.
function dayOf(at) {
  const start = new Date(at).setHours(0, 0, 0, 0);
  const end = new Date(start);
  return { start, end: end.setDate(end.getDate() + 1) };
}

function dayName(day, words, language) {
  const now = new Date();
  const today = new Date().setHours(0, 0, 0, 0);
  if (day === today) return words.today;
  if (day === new Date(today).setDate(now.getDate() - 1)) return words.yesterday;
  const sameYear = new Date(day).getFullYear() === now.getFullYear();
  return new Date(day).toLocaleDateString(language, { day: "numeric", month: "long", ...(sameYear ? {} : { year: "numeric" }) });
}

// What moves when one scrolls over `element`, outside of its shadow too.
function scrollerOf(element) {
  for (let node = element; node; node = node.parentElement ?? node.getRootNode().host) {
    if (node.scrollHeight > node.clientHeight && /auto|scroll/.test(getComputedStyle(node).overflowY)) return node;
  }
  return document.scrollingElement;
}
