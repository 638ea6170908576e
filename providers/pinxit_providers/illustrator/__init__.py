"""The illustrator: the provider that pinxit brings along. It draws offline and needs no key.

A prompt becomes a scene: its words are looked up, a landscape or a room is drawn, the subjects are
placed in it, and the whole is rendered to pixels. The same prompt, seed, size and settings give the
same pixels. It is an illustrator, not a neural model; `docs/illustrator.md` says what it can do.

The hooks are in `plugin`: the worker process, which starts from this very package, has no use for them
and starts in a fraction of the time.
"""
