// A sound and a vibration for one's own trades and for the last ten seconds of a round: off, until switched on.

import { h } from "../common/dom.js";
import { recall, remember } from "../common/storage.js";
import { t } from "../common/words.js";

const KEY = "tradegame.signals";
const LAST = 10;
const LOUDNESS = 0.15;
const NOTE_S = 0.12;

/** Which of its last ten seconds an open round is in, 10 to 1; 0 before, and while it does not end by itself. */
export function lastSecond({ phase, ends_at: endsAt, paused_at: pausedAt }, now) {
  if (phase !== "open" || endsAt === null || pausedAt !== undefined) return 0;
  const left = Math.ceil((endsAt - now) / 1_000);
  return left > LAST ? 0 : Math.max(0, left);
}

let on = recall("localStorage", KEY) !== null;
let sound = null;

/** Notes in Hz, one after the other, and a vibration in ms. Browsers allow neither before the first press. */
function signal(notes, vibration) {
  if (!on || navigator.userActivation?.hasBeenActive === false) return;
  navigator.vibrate?.(vibration);
  if (typeof AudioContext === "undefined") return;
  sound ??= new AudioContext();
  void sound.resume();
  notes.forEach((pitch, index) => {
    const [tone, volume, at] = [sound.createOscillator(), sound.createGain(), sound.currentTime + index * NOTE_S];
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(LOUDNESS, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + NOTE_S);
    tone.connect(volume).connect(sound.destination);
    tone.start(at);
    tone.stop(at + NOTE_S);
  });
}

const ofFill = () => signal([660, 990], [60, 40, 60]);
const ofSecond = (left) => signal([left > 3 ? 440 : 880], left === LAST ? 200 : 40);

/** Signals from now on. `last(second)` is called with each of the last ten, and with 0 once they are over. */
export function listenForSignals({ game, own }, last) {
  let told = 0;
  own.onadd((_, when) => when === "now" && ofFill());
  setInterval(() => {
    const left = lastSecond(game.state, game.now());
    if (left === told) return;
    told = left;
    last(left);
    if (left) ofSecond(left);
  }, 200);
}

export function signalSwitch() {
  const name = t("bar.signals");
  const button = h("button.quiet.signals", { type: "button", "aria-label": name, title: name, onclick: turn }, "♪");
  const show = () => button.setAttribute("aria-pressed", String(on));
  function turn() {
    on = !on;
    remember("localStorage", KEY, on ? "1" : null);
    show();
    ofFill(); // if it is on now, this is what it sounds like
  }
  show();
  return button;
}
