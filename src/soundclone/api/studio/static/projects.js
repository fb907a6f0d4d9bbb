// The form of the projects page: the choice of a document.

import { clearErrors, showError } from "./errors.js";
import { t } from "./i18n.js";

export function importer() {
  return {
    chosen: false,
    hovering: false,
    sending: false,

    get dropClass() {
      return this.hovering ? "hovering" : "";
    },
    // Without a name, the title of the document is the name of the project.
    get nameRequired() {
      return !this.chosen;
    },
    get reading() {
      return this.chosen && this.sending;
    },

    hover() {
      this.hovering = true;
    },
    leave() {
      this.hovering = false;
    },
    drop(event) {
      this.hovering = false;
      if (!event.dataTransfer.files.length) return;
      const only = new DataTransfer();
      only.items.add(event.dataTransfer.files[0]);
      this.$refs.file.files = only.files;
      this.choose();
    },
    choose() {
      const { file } = this.$refs;
      const largest = Number(this.$root.dataset.largest);
      clearErrors(this.$root);
      if (file.files[0]?.size > largest) {
        const megabytes = Math.floor(largest / 2 ** 20);
        file.value = "";
        showError(this.$root, t("document.large"), t("document.large.todo", { megabytes }), "file");
      }
      this.chosen = file.files.length > 0;
    },
    start() {
      this.sending = true;
    },
    end() {
      this.sending = false;
    },
  };
}
