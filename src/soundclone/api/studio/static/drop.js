// A zone that takes a dropped file.

// Add the zone to a component, whose method `take` receives the file.
export function withDrop(component) {
  const zone = {
    hovering: false,

    get dropClass() {
      return this.hovering ? "hovering" : "";
    },
    hover() {
      this.hovering = true;
    },
    leave() {
      this.hovering = false;
    },
    drop(event) {
      this.hovering = false;
      const [file] = event.dataTransfer.files;
      if (file) this.take(file);
    },
  };
  // Copying the properties would evaluate the getter.
  return Object.defineProperties(component, Object.getOwnPropertyDescriptors(zone));
}
