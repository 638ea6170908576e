// Orq's client for Node: paint with fallbacks, change.
import { readFileSync, writeFileSync } from "node:fs";
import { Orq } from "@orq-ai/node";

const orq = new Orq({
  serverURL: process.env.PINXIT_URL ?? "http://127.0.0.1:8000",
  apiKey: process.env.PINXIT_KEY ?? "none",
});
const model = "illustrator/scene-1";
const save = (name, image) => writeFileSync(name, Buffer.from(image.b64Json, "base64"));

const painted = await orq.router.images.generations.create({
  model,
  prompt: "a red fox in the snow",
  size: "512x512",
  fallbacks: [{ model }],
  retry: { count: 2, onCodes: [429, 503] },
});
save("fox.png", painted.data[0]);

const changed = await orq.router.images.edits.create({
  model,
  prompt: "add a hat",
  image: new Blob([readFileSync("fox.png")]),
  size: "512x512",
  responseFormat: "b64_json",
  fallbacks: [{ model }],
});
save("fox-with-hat.png", changed.data[0]);

const varied = await orq.router.images.variations.create({
  model,
  image: new Blob([readFileSync("fox.png")]),
  size: "256x256",
  responseFormat: "b64_json",
});
save("another-fox.png", varied.data[0]);
