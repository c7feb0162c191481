// Drawing once a frame.

/** Draws what changed once a frame, however often it changed. A hidden page draws nothing. */
export class Painter {
  #dirty = new Set();
  #asked = false;
  #halted = false;

  /** Stops drawing, before the page is left. */
  halt() {
    this.#halted = true;
  }

  /** Calls `paint` in the next frame. */
  mark(paint) {
    this.#dirty.add(paint);
    if (!this.#asked && !this.#halted) {
      this.#asked = true;
      requestAnimationFrame(() => {
        this.#asked = false;
        const dirty = [...this.#dirty];
        this.#dirty.clear();
        for (const each of this.#halted ? [] : dirty) {
          try {
            each();
          } catch (error) {
            console.error(error); // and draw the rest
          }
        }
      });
    }
  }
}
