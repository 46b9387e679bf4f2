import embed, { type VisualizationSpec } from "vega-embed";

import { options } from "./plots";

/** Papers are white: what is saved has dark ink, whatever the page's theme, and one width, whatever the window's. */
const INK = "#1b1f24";
const WIDTH = 560;

/** Offers a plot, with its title, as a file. */
export async function saveImage(specification: VisualizationSpec, name: string, format: "png" | "svg"): Promise<void> {
  const aside = document.createElement("div");
  const { view } = await embed(aside, { ...specification, width: WIDTH } as VisualizationSpec, options);
  const svg = (await view.toSVG()).replaceAll("currentColor", INK);
  view.finalize();
  const blob = new Blob([svg], { type: "image/svg+xml" });
  offer(format === "svg" ? blob : await rasterise(blob), `${name}.${format}`);
}

/** Three times the size on the screen: about 300 dots an inch in print. */
async function rasterise(svg: Blob): Promise<Blob> {
  const address = URL.createObjectURL(svg);
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.width * 3;
    canvas.height = image.height * 3;
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("this browser has no canvas");
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => {
      canvas.toBlob((blob) => (blob === null ? reject(new Error("the plot is too large")) : resolve(blob)));
    });
  } finally {
    URL.revokeObjectURL(address);
  }
}

function offer(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser takes the file in its own time.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
