"""What the server speaks, for machines: ``asyncapi`` and ``openapi`` documents, made from the attrs classes.

``state``, ``events``, ``replies`` and ``results`` describe what is sent: the encoders themselves write strings and
dicts, because they are hot. That both say the same is tested on every frame of the end-to-end tests.
"""

from tradegame.controller.spec.asyncapi import asyncapi
from tradegame.controller.spec.openapi import openapi

__all__ = ["asyncapi", "openapi"]
