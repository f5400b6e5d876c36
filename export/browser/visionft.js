// Answers photos with a bundle's own model.onnx, in the browser; no photo leaves it.
import * as ort from "./node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs";

const SCHEMA_VERSION = 1;
const LARGEST_SIDE = 16384; // of a canvas in Chromium; others have less
const HEAD = 1 << 16; // bytes: an embedded profile is announced before the pixels
const PROFILE = /ICC_PROFILE\0|iCCP|ICCP/;

ort.env.logLevel = "error";

/** Open a bundle by the address of its folder: its record and a session over its model. */
export async function open(folder) {
  const record = await (await fetched(`${folder}/bundle.json`)).json();
  if (record.schema_version !== SCHEMA_VERSION) {
    throw new Error(`the bundle has schema version ${record.schema_version}, this page knows ${SCHEMA_VERSION}`);
  }
  const model = new Uint8Array(await (await fetched(`${folder}/${record.model.file}`)).arrayBuffer());
  return { record, session: await ort.InferenceSession.create(model) };
}

/** Decode a photo (a Blob) to RGB: turned by EXIF, over white, embedded profiles to sRGB, first frame. */
export async function decode(photo) {
  // Without a profile the levels are taken as they stand; by default a browser would follow PNG's gamma too.
  const profiled = PROFILE.test(new TextDecoder("latin1").decode(await photo.slice(0, HEAD).arrayBuffer()));
  const bitmap = await createImageBitmap(photo, {
    colorSpaceConversion: profiled ? "default" : "none",
    premultiplyAlpha: "none",
    imageOrientation: "from-image",
  });
  const { width, height } = bitmap;
  if (Math.max(width, height) > LARGEST_SIDE) {
    throw new Error(`${width} x ${height} pixels are more than a browser can hold: give a smaller photo`);
  }
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, rgb: withoutAlpha(context.getImageData(0, 0, width, height).data) };
}

/** Answer one photo, {width, height, rgb}, rgb being a Uint8Array of height * width * 3 levels. */
export async function answer({ record, session }, { width, height, rgb }, top = 3) {
  const image = new ort.Tensor("uint8", rgb, [1, height, width, 3]);
  const found = await session.run({ image });
  const probabilities = Array.from(found.probabilities.data);
  const order = probabilities.map((_, i) => i).sort((a, b) => probabilities[b] - probabilities[a] || a - b);
  const told = {
    label: found.label.data[0],
    class_index: Number(found.class_index.data[0]),
    probability: found.probability.data[0],
    probabilities,
    known_score: found.known_score.data[0],
    unknown: Boolean(found.unknown.data[0]),
    top: order.slice(0, top).map((i) => ({ label: record.classes[i], probability: probabilities[i] })),
  };
  for (const tensor of Object.values(found)) tensor.dispose();
  return told;
}

async function fetched(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} cannot be fetched (${response.status}): put a bundle there`);
  return response;
}

function withoutAlpha(rgba) {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from];
    rgb[to + 1] = rgba[from + 1];
    rgb[to + 2] = rgba[from + 2];
  }
  return rgb;
}
