// Waveforms in the colours of the page, redrawn when the theme changes.

import WaveSurfer from "/static/wavesurfer/wavesurfer.esm.js";

const nonce = document.querySelector('meta[name="style-nonce"]').content;
const drawn = new Set();

function colours() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  return { waveColor: colour("--wave"), progressColor: colour("--accent"), cursorColor: colour("--accent") };
}

export function waveform(container, options = {}) {
  const made = WaveSurfer.create({
    container,
    height: 64,
    barWidth: 2,
    barGap: 2,
    barRadius: 2,
    cursorWidth: 1,
    normalize: true,
    cspNonce: nonce,
    ...colours(),
    ...options,
  });
  drawn.add(made);
  made.on("destroy", () => drawn.delete(made));
  return made;
}

export function repaint() {
  for (const each of drawn) each.setOptions(colours());
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);

export function clock(seconds) {
  const whole = Math.floor(seconds || 0);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
