// A dictionary of pronunciations, on its page and in the editor: the sound and the price of an entry,
// and the focus after a change.

import { clearErrors, showError } from "./errors.js";
import { csrf, t } from "./i18n.js";

export function pronunciations() {
  return {
    busy: false,
    characters: 0,
    saved: "", // the word whose entry was changed

    init() {
      this.$root.addEventListener("htmx:afterRequest", ({ target, detail }) => {
        if (detail.xhr.status === 204) this.changed(target);
      });
      this.$root.addEventListener("htmx:afterSettle", ({ target }) => this.replaced(target));
    },
    destroy() {
      this.audio?.pause();
    },

    // The list of entries is about to be replaced.
    changed(form) {
      const { written } = form.elements ?? {};
      if (form !== this.$refs.form) {
        this.saved = written?.value ?? "";
        return;
      }
      form.reset();
      this.count();
      written.focus();
    },
    replaced(list) {
      if (this.$refs.form.contains(document.activeElement)) return;
      const button = list.querySelector(`[data-edits="${CSS.escape(this.saved)}"]`);
      (button ?? this.$refs.number).focus();
    },
    get formPrice() {
      const { fee, rate } = this.$root.dataset;
      const micro = Number(fee) + Math.floor((this.characters * Number(rate)) / 10_000);
      return t("listen", { cost: (micro / 1e6).toLocaleString("en", { maximumFractionDigits: 6 }) });
    },

    count() {
      const { written, spoken } = this.$refs.form.elements;
      this.characters = Math.max([...written.value].length, [...spoken.value].length);
    },
    listenForm(event) {
      const { form } = this.$refs;
      if (form.reportValidity()) this.play(event.currentTarget, new FormData(form));
    },
    listen(event) {
      const { written, spoken, ipa, language, matchCase } = event.currentTarget.dataset;
      this.play(event.currentTarget, Object.entries({ written, spoken, ipa, language, matchCase }));
    },
    async play(near, entry) {
      const body = new URLSearchParams([...entry]);
      body.set("modelId", this.$refs.voice.value);
      clearErrors(near);
      this.busy = true;
      try {
        const response = await fetch("/studio/pronunciations/speech", {
          method: "POST",
          body,
          headers: { "X-CSRF-Token": csrf, Accept: "application/json" },
        });
        if (response.ok) await this.sound(await response.blob());
        else this.refuse(near, await response.json());
      } catch {
        showError(near, t("offline"), t("offline.todo"));
      } finally {
        this.busy = false;
      }
    },
    refuse(near, { title, message, field, location: target }) {
      if (target) location.href = target;
      else showError(near, title, message, field);
    },
    async sound(blob) {
      this.audio?.pause();
      if (this.audio) URL.revokeObjectURL(this.audio.src);
      this.audio = new Audio(URL.createObjectURL(blob));
      await this.audio.play();
    },
  };
}
