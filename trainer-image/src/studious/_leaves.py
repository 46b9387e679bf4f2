"""One leaf of a tree: an array of numpy, JAX or torch, or a value of Python's own.

Neither framework is imported here: a leaf of torch is only met where torch was imported already,
and is made again only where a checkpoint holds one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from studious._errors import StudiousError

Key: TypeAlias = str | int
Path: TypeAlias = tuple[Key, ...]
Array: TypeAlias = npt.NDArray[Any]

Plain: TypeAlias = bool | int | float | complex | str | bytes
_STRIDED = "torch.strided"


@dataclass(frozen=True)
class Leaf:
    """A leaf as bytes with a dtype and a shape, whatever it was made with."""

    array: Array
    """Contiguous, little-endian; as unsigned integers where numpy has no such dtype."""
    dtype: str
    """Name of the dtype, the same in every framework."""

    @property
    def unnamed(self) -> bool:
        """Whether numpy's format has no name for the dtype, so that the array holds its bits."""
        return self.array.dtype.kind == "u" and self.array.dtype.name != self.dtype

    def hashed(self, path: Path) -> Iterator[bytes]:
        """Yield what a fingerprint hashes of it: path, dtype, shape and bytes."""
        header = json.dumps([list(path), self.dtype, list(self.array.shape)])
        yield header.encode() + b"\n"
        yield self.array.tobytes()


def leaf(value: object, path: Path) -> Leaf:
    """Read a leaf; raises StudiousError naming its path and what to do."""
    if is_plain(value):
        return _plain(value)
    return _tensor(value, path) if _is_tensor(value) else _array(value, path)


def made_of(value: Any) -> dict[str, Any]:
    """Say as JSON how to make the same kind again; empty for numpy's and JAX's arrays."""
    if is_plain(value):
        return {"plain": _described(value)}
    if _is_tensor(value):
        return {
            "torch": str(value.dtype).removeprefix("torch."),
            "requires_grad": bool(value.requires_grad),
            "parameter": isinstance(value, sys.modules["torch"].nn.Parameter),
        }
    return {"scalar": True} if isinstance(value, np.generic) else {}


def is_plain(value: object) -> bool:
    """Whether it is a number, a string or bytes of Python's own."""
    return isinstance(value, Plain) and not isinstance(value, np.generic)


def _is_tensor(value: object) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def restored(array: Array, dtype: str | None, kind: dict[str, Any]) -> Any:
    """Make the leaf again from the array that was stored for it.

    Args:
      array: as stored.
      dtype: its name where numpy's format has none for it.
      kind: as :func:`made_of` says.

    """
    match kind:
        case {"torch": str(name), "requires_grad": bool(grad), "parameter": bool(parameter)}:
            return _torch_tensor(array, name, grad, parameter)
    array = array.view(_named_dtype(dtype)) if dtype else array
    return array[()] if kind.get("scalar") else array


def plain(described: dict[str, Any]) -> Any:
    """Make a value of Python's own again from its JSON."""
    match described:
        case {"bool": bool(value)} | {"str": str(value)}:
            return value
        case {"int": str(digits)}:
            return int(digits, 16)
        case {"float": str(digits)}:
            return float(np.frombuffer(bytes.fromhex(digits), "<f8")[0])
        case {"complex": str(digits)}:
            return complex(np.frombuffer(bytes.fromhex(digits), "<c16")[0])
        case {"bytes": str(digits)}:
            return bytes.fromhex(digits)
    raise ValueError(f"not a value: {described!r:.80}")


def _plain(value: Any) -> Leaf:
    """Bytes as of numpy's array of it, so that the fingerprint is the same."""
    match value:
        case str():
            raw = value.encode("utf-8", "surrogatepass")
            return Leaf(np.frombuffer(raw, np.uint8), "str")
        case bytes():
            return Leaf(np.frombuffer(value, np.uint8), "bytes")
        case int() if not -(2**63) <= value < 2**64:
            raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            return Leaf(np.frombuffer(raw, np.uint8), "int")
    array = portable(np.asarray(value))
    return Leaf(array, array.dtype.name)


def _described(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"bool": value}
        case str():
            return {"str": str(value)}
        case int():
            return {"int": f"{value:x}"}
        case float():
            return {"float": np.asarray(value, "<f8").tobytes().hex()}
        case complex():
            return {"complex": np.asarray(value, "<c16").tobytes().hex()}
    return {"bytes": value.hex()}


def _array(value: object, path: Path) -> Leaf:
    try:
        array = np.asarray(value)
    except Exception as error:
        is_jax = type(value).__module__.partition(".")[0] in ("jax", "jaxlib")
        fix = "For a JAX key: jax.random.key_data" if is_jax else "Make it one first"
        raise StudiousError(
            f"parameters at {shown(path)}: {type(value).__name__} cannot be made a numpy array "
            f"({error}). {fix}, or leave it out of the tree"
        ) from error
    if array.dtype.hasobject:
        raise StudiousError(
            f"parameters at {shown(path)}: {type(value).__name__} is not an array of numbers; "
            "leave it out of the tree"
        )
    name = array.dtype.name if array.dtype.names is None else str(array.dtype.descr)
    array = portable(array)
    if array.dtype.isbuiltin == 2:
        # bfloat16 and its kin, which ml_dtypes registers: numpy's format has no name for them.
        array = array.view(f"u{array.dtype.itemsize}")
    return Leaf(array, name)


def portable(array: Array) -> Array:
    """Return the array contiguous and little-endian."""
    if array.dtype.byteorder == ">" or (array.dtype.byteorder == "=" and not np.little_endian):
        array = array.astype(array.dtype.newbyteorder("<"))
    return np.asarray(array, order="C")


def _tensor(value: Any, path: Path) -> Leaf:
    import torch  # imported already, by the code that made the tensor

    name = str(value.dtype).removeprefix("torch.")
    fix = _unsupported(value, torch)
    if fix is not None:
        raise StudiousError(
            f"parameters at {shown(path)}: the {type(value).__name__} of {name} {fix}, or leave "
            "it out of the tree"
        )
    held = value.detach().cpu().resolve_conj().resolve_neg().contiguous()
    shape = tuple(held.shape)
    size = held.element_size()
    # Through bytes: numpy has no bfloat16. Old versions of torch have no view of an empty tensor.
    raw = held.reshape(-1).view(torch.uint8).numpy() if held.numel() else np.empty(0, np.uint8)
    try:
        array = raw.view(np.dtype(name))
    except TypeError:
        array = raw.view(f"u{size}")
    return Leaf(array.reshape(shape), name)


def _unsupported(value: Any, torch: Any) -> str | None:
    """Say what is in the way of a tensor's bytes, and how to get them; None where nothing is."""
    if hasattr(value, "full_tensor"):
        return "is sharded over processes; gather it on every host with .full_tensor() first"
    if value.is_nested:
        return "is nested; save the list that .unbind() gives instead"
    if str(value.layout) != _STRIDED:
        return "is sparse; make it dense with .to_dense() first"
    if value.is_quantized:
        return "is quantized; save .int_repr(), scale and zero point instead"
    if value.device.type == "meta":
        return "is on the meta device and holds no numbers; move it to a real device first"
    if isinstance(value, torch.nn.parameter.UninitializedTensorMixin):
        return "has no shape yet; pass a batch through the model first"
    return None


def _torch_tensor(array: Array, name: str, requires_grad: bool, parameter: bool) -> Any:
    try:
        import torch
    except ImportError as error:
        raise StudiousError(
            f"checkpoint: holds a torch tensor of {name}, and torch cannot be imported ({error}). "
            "Restore it where torch is installed"
        ) from error
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype):
        raise StudiousError(
            f"checkpoint: holds a torch tensor of {name}, a dtype that torch {torch.__version__} "
            "does not have. Restore it with the version that saved it"
        )
    raw = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    tensor = torch.empty(array.shape, dtype=dtype)
    if raw.size:
        tensor.view(-1).view(torch.uint8).copy_(torch.from_numpy(raw))
    if parameter:
        return torch.nn.Parameter(tensor, requires_grad=requires_grad)
    return tensor.requires_grad_() if requires_grad else tensor


def _named_dtype(name: str) -> np.dtype[Any]:
    try:
        return np.dtype(name)
    except TypeError:
        import ml_dtypes  # registers bfloat16 and the float8 kinds; there when JAX is

        registered: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
        return registered


def shown(path: Path) -> str:
    """Path as text that names one leaf and no other: a JSON list."""
    return json.dumps(list(path), separators=(",", ":"), ensure_ascii=False)
