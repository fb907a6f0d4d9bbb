// The form of the projects page: the choice of a document.

import { withDrop } from "./drop.js";
import { clearErrors, showError } from "./errors.js";
import { t } from "./i18n.js";

export function importer() {
  return withDrop({
    chosen: false,
    sending: false,

    // Without a name, the title of the document is the name of the project.
    get nameRequired() {
      return !this.chosen;
    },
    get reading() {
      return this.chosen && this.sending;
    },

    take(file) {
      const only = new DataTransfer();
      only.items.add(file);
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
  });
}
