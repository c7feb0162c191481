"""etcd3's messages on protobuf's C implementation. Import this before anything of etcd3.

etcd3 0.12's generated modules make every descriptor in Python, which protobuf refuses since version 4, unless all of it
runs in Python: then a transaction's request took 246 µs to make, an entry of the log 320 µs of messages. But each
module also contains its file's descriptor in serialized form, and that is all that a module of today consists of. So it
is taken out, and makes the same module by protobuf's own means, which stands for etcd3's from then on: 15 µs, with the
same bytes. Stubs, channels and whatever else etcd3 has stay as they are.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from google.protobuf import descriptor_pool
from google.protobuf.internal import builder

_FILES = ("kv", "auth", "rpc")
"""Each needs those before it."""


def load() -> None:
    """Make ``etcd3.etcdrpc``'s modules of messages. Raises ImportError if etcd3 is not there, or not as expected."""
    found = find_spec("etcd3")
    if found is None or not found.submodule_search_locations:
        raise ImportError("etcd3 is not installed")
    folder = str(Path(found.submodule_search_locations[0]) / "etcdrpc")
    for file in _FILES:
        name = f"etcd3.etcdrpc.{file}_pb2"
        module = ModuleType(name, f"The messages of etcd's {file}.proto.")
        module.__dict__["DESCRIPTOR"] = descriptor_pool.Default().AddSerializedFile(_serialized(folder, file))
        builder.BuildMessageAndEnumDescriptors(module.__dict__["DESCRIPTOR"], module.__dict__)
        builder.BuildTopDescriptorsAndMessages(module.__dict__["DESCRIPTOR"], name, module.__dict__)
        sys.modules[name] = module


def _serialized(folder: str, file: str) -> bytes:
    """The file's descriptor (a ``FileDescriptorProto``, which begins with the file's name) from the module's code."""
    module = PathFinder.find_spec(f"{file}_pb2", [folder])
    code = None if module is None or module.loader is None else module.loader.get_code(module.name)  # type: ignore[attr-defined]
    begin = f"\n{chr(len(file) + 6)}{file}.proto"
    for constant in () if code is None else code.co_consts:
        if isinstance(constant, str) and constant.startswith(begin):
            return constant.encode("latin-1")
    raise ImportError(f"etcd3 has no descriptor of {file}.proto in {folder}")
