// A page that is opened from a folder may start no worker; an iframe takes its place, so that
// search works without a server.
if (location.protocol === "file:")
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      frame.srcdoc = `<script>postMessage = data => answer(data)<\/script><script src="${url}"><\/script>`
      this.window = new Promise(loaded => {
        frame.onload = () => {
          frame.contentWindow.answer = data =>
            this.dispatchEvent(new MessageEvent("message", { data }))
          loaded(frame.contentWindow)
        }
      })
      document.body.append(frame)
    }

    async postMessage(data) {
      const worker = await this.window
      worker.dispatchEvent(new worker.MessageEvent("message", { data }))
    }
  }
