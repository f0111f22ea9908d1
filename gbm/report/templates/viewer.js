// Starts NiiVue when the viewer comes into sight. Everything it needs lies in this page.
(() => {
  "use strict";
  const box = document.getElementById("viewer");
  const text = (id) => document.getElementById(id).textContent.trim();
  const scene = JSON.parse(text("viewer-scene"));
  const opacity = box.querySelector("input[type=range]");
  const readout = box.querySelector("output");
  const shown = new Map(scene.layers.map((layer) => [layer.key, layer.shown]));

  const library = async () => {
    const packed = Uint8Array.from(atob(text("niivue")), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    return window.niivue;
  };

  const volume = async (NVImage, layer) => {
    const labels = "labels" in layer.colours;
    const top = { image: 255, density: 1 }[layer.key] ?? layer.colours.I.at(-1);
    const image = await NVImage.loadFromBase64({
      base64: text(`volume-${layer.key}`), name: `${layer.key}.nii.gz`, colormap: labels ? "gray" : layer.key,
      cal_min: 0, cal_max: top,
    });
    if (labels) image.setColormapLabel(layer.colours);
    return image;
  };

  const start = async () => {
    if (!document.createElement("canvas").getContext("webgl2")) throw new Error("it has no WebGL 2");
    const { Niivue, NVImage, SLICE_TYPE } = await library();
    const planes = { axial: SLICE_TYPE.AXIAL, coronal: SLICE_TYPE.CORONAL, sagittal: SLICE_TYPE.SAGITTAL };
    const viewer = new Niivue({
      backColor: [0, 0, 0, 1], crosshairWidth: 0.25, crosshairGap: 4, crosshairColor: [1, 1, 1, 0.7], show3Dcrosshair: false,
      dragAndDropEnabled: false, isColorbar: false, loadingText: "", logLevel: "warn",
    });
    await viewer.attachToCanvas(box.querySelector("canvas"));
    for (const layer of scene.layers) {
      if (!("labels" in layer.colours)) viewer.addColormap(layer.key, layer.colours);
    }
    for (const layer of scene.layers) viewer.addVolume(await volume(NVImage, layer));

    const draw = () => scene.layers.forEach((layer, n) => {
      const level = n === 0 ? 1 : Number(opacity.value) / 100;
      viewer.setOpacity(n, shown.get(layer.key) ? level : 0);
    });
    opacity.addEventListener("input", draw);
    for (const check of box.querySelectorAll("input[type=checkbox]")) {
      check.addEventListener("change", () => { shown.set(check.value, check.checked); draw(); });
    }
    const look = box.querySelector("select");
    const turn = () => viewer.setSliceType(planes[look.value] ?? SLICE_TYPE.MULTIPLANAR);
    look.addEventListener("change", turn);
    viewer.onLocationChange = (place) => {
      const at = [...place.mm].slice(0, 3).map((v) => v.toFixed(0)).join(", ");
      const values = scene.layers.map((layer, n) => {
        const value = place.values[n]?.value ?? 0;
        if ("labels" in layer.colours) return layer.colours.labels[Math.round(value)];
        return layer.key === "density" ? `density ${value.toFixed(2)}` : "";
      });
      readout.textContent = [`${at} mm (RAS)`, ...values.filter(Boolean)].join(" · ");
    };
    turn();
    draw();
    box.dataset.state = "open";
    viewer.resizeListener();
    viewer.scene.crosshairPos = viewer.mm2frac(scene.focus);
    viewer.createOnLocationChange();
    viewer.drawScene();
  };

  const open = () => start().catch((error) => {
    box.dataset.state = "closed";
    readout.textContent = `This browser cannot show the interactive viewer (${error.message}); the picture shows the same.`;
  });
  const sight = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    sight.disconnect();
    (window.requestIdleCallback ?? setTimeout)(open);
  }, { rootMargin: "100px" });
  window.addEventListener("load", () => sight.observe(box));
})();
