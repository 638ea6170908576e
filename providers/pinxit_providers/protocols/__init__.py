"""What several providers share: how they are asked, how they answer, and how they say no.

`openai_images`, `jobs`, `media` and `sdapi` are the families; a provider is a module of data on top of one.
The other modules are what the families stand on.
"""
