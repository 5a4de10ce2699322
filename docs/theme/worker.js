// Browsers start no worker from a disk: there the script of the search runs in a hidden frame, which is all it needs.
if (location.protocol === "file:")
  window.IFrameWorker = window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.frame = Object.assign(document.createElement("iframe"), { hidden: true, srcdoc: "<!doctype html>" });
      this.ready = new Promise((resolve) => (this.frame.onload = resolve)).then(() => this.load(url));
      document.body.append(this.frame);
    }

    load(url) {
      const inside = this.frame.contentWindow;
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      return new Promise((resolve) => {
        const script = Object.assign(inside.document.createElement("script"), { src: url, onload: resolve });
        inside.document.body.append(script);
      });
    }

    postMessage(data) {
      this.ready.then(() => this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data })));
    }

    terminate() {
      this.frame.remove();
    }
  };
