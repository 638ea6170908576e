// Vercel's AI SDK with its provider for compatible servers, which hands on whatever options it is given.
import { readFileSync, writeFileSync } from "node:fs";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateImage } from "ai";

const pinxit = createOpenAICompatible({
  name: "pinxit",
  baseURL: `${process.env.PINXIT_URL ?? "http://127.0.0.1:8000"}/v1`,
  apiKey: process.env.PINXIT_KEY ?? "none",
});
const model = pinxit.imageModel("illustrator/scene-1");

const painted = await generateImage({
  model,
  prompt: "a red fox in the snow",
  size: "512x512",
  providerOptions: {
    pinxit: { seed: 7, fallbacks: ["illustrator/scene-1"], retry: { count: 2 } },
  },
});
writeFileSync("fox.png", painted.image.uint8Array);

const changed = await generateImage({
  model,
  prompt: { text: "add a hat", images: [readFileSync("fox.png")] },
  size: "512x512",
});
writeFileSync("fox-with-hat.png", changed.image.uint8Array);
