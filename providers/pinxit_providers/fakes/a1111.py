"""AUTOMATIC1111's and Forge's API, stricter than the real one, as an ASGI application for tests.

Source: modules/api and modules/processing.py of Forge (2025-06-26).
"""

from __future__ import annotations

import base64
import binascii
import io
import json
from typing import Any, NoReturn, cast

from .asgi import Answer, Incoming, Receive, Refused, Scope, Send, answer, picture_base64, serve

__all__ = ["FakeA1111"]

_TEXTS = {"prompt", "negative_prompt", "sampler_name", "scheduler"}
_COUNTS = {"seed", "subseed", "steps", "width", "height", "batch_size", "n_iter"}
_NUMBERS = {"cfg_scale", "distilled_cfg_scale", "denoising_strength", "hr_scale"}
_SWITCHES = {"send_images", "save_images", "restore_faces", "tiling", "enable_hr"}
_OBJECTS = {"override_settings", "alwayson_scripts"}
_EDIT_COUNTS = {"mask_blur", "inpainting_fill", "inpainting_mask_invert", "resize_mode"}
_EDIT_SWITCHES = {"inpaint_full_res", "include_init_images"}
_COLOURS = ("#7a4a2b", "#2b5d7a", "#4a7a2b", "#7a2b5d", "#5d2b7a")


class FakeA1111:
    """Answers, and refuses, as the webui does.

    Words in a prompt ask for trouble: ``#out-of-memory`` (status 500), ``#no-sampler`` (404). ``#grid`` puts
    a grid before the pictures and ``#map`` a map behind them; ``#no-info`` is sd-server's empty text.

    Args:
        auth: ``user:password`` where the server wants one.
        checkpoints: The titles that can be loaded.

    Attributes:
        received: The fields of every request that was accepted, oldest first.
        masks: The mode of each mask's pixels, such as ``L``.
    """

    def __init__(self, *, auth: str = "", checkpoints: tuple[str, ...] = ("sd15",)) -> None:
        self.auth = auth
        self.checkpoints = checkpoints
        self.received: list[dict[str, Any]] = []
        self.masks: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or a server's start and stop."""
        await serve(scope, receive, send, self._handle)

    def _handle(self, incoming: Incoming) -> Answer:
        wanted = base64.b64encode(self.auth.encode()).decode()
        if self.auth and not incoming.has("authorization", f"Basic {wanted}"):
            _refuse(401, "HTTPException", "Incorrect username or password")
        edits = incoming.path == "/sdapi/v1/img2img"
        if incoming.method != "POST" or not (edits or incoming.path == "/sdapi/v1/txt2img"):
            _refuse(404, "HTTPException", "Not Found")
        try:
            fields = incoming.json()
        except ValueError as error:
            _invalid("body", str(error))
        _check(fields, edits=edits)
        if edits:
            self._look_at(fields)
        named = fields.get("override_settings", {}).get("sd_model_checkpoint")
        if named is not None and named not in self.checkpoints:
            _refuse(500, "RuntimeError", "", f"Unknown checkpoint: {named}")
        _meet_triggers(fields["prompt"])
        self.received.append(fields)
        return answer(_pictures(fields))

    def _look_at(self, fields: dict[str, Any]) -> None:
        for text in cast("list[str]", fields["init_images"]):
            _open(text, "Invalid encoded image")
        if "mask" in fields:
            # The mode is what matters: a mask with alpha is read by its alpha, which is the other
            # way round.
            self.masks.append(_open(fields["mask"], "Invalid encoded image").mode)


def _check(fields: dict[str, Any], *, edits: bool) -> None:
    counts, switches = _COUNTS, _SWITCHES
    if edits:
        counts, switches = counts | _EDIT_COUNTS, switches | _EDIT_SWITCHES
    kinds: dict[str, tuple[type, ...]] = {
        **dict.fromkeys(_TEXTS | ({"mask"} if edits else set()), (str,)),
        **dict.fromkeys(counts, (int,)),
        **dict.fromkeys(_NUMBERS, (int, float)),
        **dict.fromkeys(switches, (bool,)),
        **dict.fromkeys(_OBJECTS, (dict,)),
        **({"init_images": (list,)} if edits else {}),
    }
    for name, value in fields.items():
        if name not in kinds:
            _invalid(name, "extra fields not permitted")
        if not isinstance(value, kinds[name]) or (name in counts and isinstance(value, bool)):
            _invalid(name, f"value is not a valid {kinds[name][0].__name__}")
    if edits and not fields.get("init_images"):
        _refuse(404, "HTTPException", "Init image not found")
    for name in ("width", "height"):
        if not 64 <= fields.get(name, 512) <= 2048 or fields.get(name, 512) % 8:
            _invalid(name, "ensure this value is a multiple of 8 from 64 to 2048")
    if not -1 <= fields.get("seed", -1) < 2**32:
        _invalid("seed", "ensure this value is a seed")


def _open(text: str, trouble: str) -> Any:
    from PIL import Image as Pillow

    try:
        return Pillow.open(io.BytesIO(base64.b64decode(text, validate=True)))
    except (binascii.Error, OSError):
        _refuse(500, "HTTPException", trouble)


def _meet_triggers(prompt: str) -> None:
    if "#out-of-memory" in prompt:
        _refuse(500, "OutOfMemoryError", "", "CUDA out of memory. Tried to allocate 2.00 GiB.")
    if "#no-sampler" in prompt:
        _refuse(404, "HTTPException", "Sampler not found")


def _pictures(fields: dict[str, Any]) -> dict[str, Any]:
    width, height = fields.get("width", 512), fields.get("height", 512)
    count = fields.get("batch_size", 1) * fields.get("n_iter", 1)
    first = 4_000_000_000 if fields.get("seed", -1) < 0 else fields["seed"]
    images = [
        picture_base64(width, height, "png", _COLOURS[place % len(_COLOURS)])
        for place in range(count)
    ]
    info = {
        "prompt": fields["prompt"],
        "seed": first,
        "all_seeds": [first + place for place in range(count)],
        "infotexts": ["Steps: 20"] * count,
        "index_of_first_image": 0,
    }
    # Servers put it first where several pictures are made, unless that is switched off.
    if "#grid" in fields["prompt"]:
        images.insert(0, picture_base64(2 * width, height))
        info["index_of_first_image"] = 1
    if "#map" in fields["prompt"]:
        # ControlNet's maps come behind the pictures, and have no seed.
        images.append(picture_base64(width, height, "png", "#ffffff"))
    told = "" if "#no-info" in fields["prompt"] else json.dumps(info)
    return {"images": images, "parameters": fields, "info": told}


def _refuse(status: int, error: str, detail: str, errors: str = "") -> NoReturn:
    body = {"error": error, "detail": detail, "body": "", "errors": errors}
    raise Refused(answer(body, status))


def _invalid(field: str, message: str) -> NoReturn:
    detail = [{"loc": ["body", field], "msg": message, "type": "value_error"}]
    raise Refused(answer({"detail": detail}, 422))
