// The form of the convert page: the recording of a performance, its upload and submission.

import { clearErrors, showError } from "./errors.js";
import { csrf, t } from "./i18n.js";
import { Microphone } from "./microphone.js";
import { waveform } from "./waveform.js";

const LONGEST = 600; // seconds

export function performance() {
  return {
    file: null,
    uploaded: null,
    recording: false,
    uploading: false,
    busy: false,

    get pressed() {
      return this.recording ? "true" : "false";
    },
    get recordClass() {
      return this.recording ? "recording" : "";
    },
    get recordLabel() {
      return t(this.recording ? "stop" : this.file ? "record.again" : "record");
    },
    get hasRecording() {
      return this.file !== null && !this.recording;
    },
    get fileName() {
      return this.file ? this.file.name : "";
    },

    async toggle() {
      if (this.recording) return this.finish();
      clearErrors(this.$root);
      let heard = 0;
      this.microphone = new Microphone((samples) => {
        heard += samples.length;
        if (this.recording && heard > LONGEST * this.microphone.rate) this.finish();
      });
      try {
        await this.microphone.start();
        this.recording = true;
      } catch (error) {
        const word = { NotAllowedError: "denied", NotFoundError: "none", NotSupportedError: "insecure" }[error.name] ?? "none";
        showError(this.$root, t("microphone"), t(`microphone.${word}`), "fileUrl");
      }
    },
    async finish() {
      this.recording = false;
      this.setFile(await this.microphone.stop());
    },
    choose() {
      const [file] = this.$refs.file.files;
      if (file) this.setFile(file);
    },
    setFile(file) {
      clearErrors(this.$root);
      this.file = file;
      this.uploaded = null;
      this.$nextTick(() => {
        this.wave?.destroy();
        this.wave = waveform(this.$refs.wave);
        this.wave.on("error", () => {});
        this.wave.loadBlob(file).catch(() => {});
      });
    },
    play() {
      this.wave?.playPause();
    },

    // Upload the recording, then send the form.
    async prepare(event) {
      if (event.target !== this.$root) return;
      event.preventDefault();
      clearErrors(this.$root);
      if (this.recording) await this.finish();
      if (!this.file) return void showError(this.$root, t("missing"), t("missing.file"), "fileUrl");
      this.busy = this.uploading = true;
      try {
        this.uploaded ??= await this.upload();
        if (!this.uploaded) return;
        this.$refs.url.value = this.uploaded;
        event.detail.issueRequest(true);
      } finally {
        this.busy = this.uploading = false;
      }
    },
    async upload() {
      const body = new FormData();
      body.append("file", this.file);
      const headers = { "X-CSRF-Token": csrf, Accept: "application/json" };
      const response = await fetch("/studio/performances", { method: "POST", body, headers }).catch(() => null);
      const answer = await response?.json().catch(() => null);
      if (response?.ok && answer) return answer.data.url;
      if (answer?.location) location.href = answer.location;
      else showError(this.$root, answer?.title ?? t("offline"), answer?.message || t("offline.todo"), "fileUrl");
      return null;
    },
  };
}
