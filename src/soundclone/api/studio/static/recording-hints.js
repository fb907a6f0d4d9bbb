// Hints during a recording: too quiet, clipped, noisy, echo.
//
// The measures and thresholds are those of the server, which examines the finished recording
// (soundclone.audio.recording). Here they look at the last seconds only.

const HOP = 0.005; // seconds
const HOPS = 6; // of a frame
const WINDOW = 15; // seconds
const LEAST_SPEECH = 4; // seconds before the first hint on noise and echo
const FIRST_SPEECH = 1.5; // seconds before the first hint on the level
const LOW_CUT = 150; // Hz; hum does not count as noise

const QUIET = -38; // dBFS
const FULL_SCALE = 0.985;
const CLIPPED = 0.0005; // share of samples at full scale
const CLEAN = 20.5; // dB, of the voice over the gaps
const ECHO = 0.35; // seconds in which the sound decays by 60 dB
const LEAST_FALL = 15; // dB of a decay that is measured
const LEAST_FALLS = 8;

const ABOVE_FLOOR = 9; // dB of a frame with speech over the noise floor
const BELOW_PEAK = 30; // dB
const SHORT_PAUSE = 10; // frames; shorter pauses belong to the speech

const decibels = (power) => 10 * Math.log10(power + 1e-12);

function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export class RecordingHints {
  constructor(rate) {
    this.size = Math.round(HOP * rate);
    this.most = Math.round(WINDOW / HOP);
    this.powers = []; // of hops
    this.clipped = []; // samples at full scale in each hop
    this.filled = this.sum = this.count = 0;
    // A second-order high-pass filter.
    const turn = (2 * Math.PI * LOW_CUT) / rate;
    const slope = Math.sin(turn) / Math.SQRT2;
    const cosine = Math.cos(turn);
    const scale = 1 + slope;
    this.b = [(1 + cosine) / 2 / scale, -(1 + cosine) / scale];
    this.a = [(-2 * cosine) / scale, (1 - slope) / scale];
    this.x1 = this.x2 = this.y1 = this.y2 = 0;
  }

  push(samples) {
    const [b0, b1] = this.b;
    const [a1, a2] = this.a;
    for (const x of samples) {
      const y = b0 * (x + this.x2) + b1 * this.x1 - a1 * this.y1 - a2 * this.y2;
      this.x2 = this.x1;
      this.x1 = x;
      this.y2 = this.y1;
      this.y1 = y;
      this.sum += y * y;
      if (Math.abs(x) >= FULL_SCALE) this.count += 1;
      if (++this.filled === this.size) {
        this.powers.push(this.sum / this.size);
        this.clipped.push(this.count);
        this.filled = this.sum = this.count = 0;
      }
    }
    const extra = this.powers.length - this.most;
    if (extra > 0) {
      this.powers.splice(0, extra);
      this.clipped.splice(0, extra);
    }
  }

  // The weaknesses of the last seconds, the most important first.
  get hints() {
    const found = [];
    const recent = this.clipped.slice(-Math.round(3 / HOP));
    const clipped = recent.reduce((sum, each) => sum + each, 0) / (recent.length * this.size || 1);
    if (clipped > CLIPPED) found.push("clipping");
    const spoken = this.spoken();
    const seconds = spoken.length * HOPS * HOP;
    if (seconds < FIRST_SPEECH) return found;
    const mean = spoken.reduce((sum, each) => sum + each, 0) / spoken.length;
    if (decibels(mean) < QUIET) found.push("quiet");
    if (seconds < LEAST_SPEECH) return found;
    const sorted = Float64Array.from(spoken).sort();
    const fall = (share) => decibels(Math.max(0, mean / Math.max(percentile(sorted, share), 1e-12) - 1));
    if ((fall(0.2) + fall(0.05)) / 2 < CLEAN) found.push("noisy");
    if (this.decay() > ECHO) found.push("echo");
    return found;
  }

  // Powers of the frames with speech, and of the short pauses between them.
  spoken() {
    const frames = [];
    for (let at = 0; at + HOPS <= this.powers.length; at += HOPS) {
      let sum = 0;
      for (let each = at; each < at + HOPS; each += 1) sum += this.powers[each];
      frames.push(sum / HOPS);
    }
    const levels = Float64Array.from(frames, decibels).sort();
    if (!levels.length) return [];
    const peak = percentile(levels, 0.95);
    const threshold = Math.max(Math.min(percentile(levels, 0.1) + ABOVE_FLOOR, peak - 12), peak - BELOW_PEAK, -65);
    const found = [];
    let pause = [];
    for (const frame of frames) {
      if (decibels(frame) > threshold) {
        if (found.length && pause.length <= SHORT_PAUSE) found.push(...pause);
        found.push(frame);
        pause = [];
      } else {
        pause.push(frame);
      }
    }
    return found;
  }

  // Median time in which the sound decays by 60 dB, 0 if there are too few decays.
  decay() {
    const smooth = (values, width) => {
      const found = [];
      let sum = 0;
      values.forEach((value, at) => {
        sum += value - (at >= width ? values[at - width] : 0);
        if (at >= width - 1) found.push(sum / width);
      });
      return found;
    };
    const level = smooth(smooth(this.powers, 4).map(decibels), 5);
    const times = [];
    let top = 0;
    for (let at = 1; at < level.length; at += 1) {
      if (level[at] < level[at - 1]) continue;
      const fall = level[top] - level[at - 1];
      if (fall >= LEAST_FALL) times.push((60 / fall) * (at - 1 - top) * HOP);
      top = at;
    }
    if (times.length < LEAST_FALLS) return 0;
    return percentile(times.sort((one, other) => one - other), 0.5);
  }
}
