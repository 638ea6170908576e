"""What Python's libraries send beyond the examples, and how they take what comes back."""

from __future__ import annotations

import json
from pathlib import Path

import installed
from gateway.scene import Scene, running
from pinxit.errors import ProviderUnavailable
from pinxit.testing.pictures import picture

LITELLM = """
import json, os
import litellm
litellm.suppress_debug_info = True
gateway = {"model": "openai/s/a", "api_base": os.environ["URL"] + "/v1", "api_key": "none"}
answer = litellm.image_generation(
    "a fox", n=2, size="32x16", quality="low", user="u1", **gateway,
    extra_body={"fallbacks": [{"model": "s/b"}], "retry": {"count": 1}},
)
told = [[image.b64_json[:8] for image in answer.data]]
files = [open(name, "rb") for name in ("a.png", "b.jpg")]
answer = litellm.image_edit(image=files, prompt="a hat", n=1, size="64x64", **gateway)
told.append(answer.data[0].b64_json[:8])
for options in ({"size": "9x"}, {"n": 3, "num_retries": 0}):
    try:
        litellm.image_generation("p", **options, **gateway)
    except Exception as error:
        told.append([type(error).__name__, error.status_code, "9x" in str(error)])
print(json.dumps(told))
"""


def test_litellm(tmp_path: Path) -> None:
    """Its options arrive, ours too; pictures keep their order; its own classes carry our errors."""
    (tmp_path / "a.png").write_bytes(picture())
    (tmp_path / "b.jpg").write_bytes(picture("jpeg", 64, 48))
    python = installed.python()
    scene = Scene({"a": [0.0, 0.0, ProviderUnavailable("no painter", upstream_status=503)]})
    with running(scene) as server:
        told = json.loads(installed.run([python, "-c", LITELLM], tmp_path, URL=server.url))
    assert told == [
        ["iVBORw0K"] * 2,
        "iVBORw0K",
        ["BadRequestError", 400, True],
        ["ServiceUnavailableError", 503, False],
    ]
    (_, generated), (_, edited), _ = scene.provider.calls
    assert (generated.n, generated.size, generated.quality) == (2, "32x16", "low")
    assert (generated.user, [f.model for f in generated.fallbacks or ()]) == ("u1", ["s/b"])
    assert generated.retry is not None
    assert [image.format for image in getattr(edited, "images", ())] == ["png", "jpeg"]
