"""Read a Mapbox vector tile as far as the tests need it: layers, ids and properties, without geometry."""

import struct
from typing import Any


def features_in(tile: bytes) -> list[dict[str, Any]]:
    """Properties of every feature, with `layer` and (where there is one) `id` added."""
    found = []
    for field, layer in _fields(tile):
        if field == 3:
            found += _layer(layer)
    return found


def _layer(message: bytes) -> list[dict[str, Any]]:
    name, keys, values, features = "", [], [], []
    for field, value in _fields(message):
        if field == 1:
            name = value.decode()
        elif field == 2:
            features.append(dict_of(value))
        elif field == 3:
            keys.append(value.decode())
        elif field == 4:
            values.append(_value(value))
    rows = []
    for feature in features:
        tags = _packed(feature.get(2, b""))
        row = {keys[k]: values[v] for k, v in zip(tags[::2], tags[1::2], strict=True)}
        rows.append({"layer": name, **({"id": feature[1]} if 1 in feature else {}), **row})
    return rows


def dict_of(message: bytes) -> dict[int, Any]:
    return dict(_fields(message))


def _value(message: bytes) -> Any:
    ((field, value),) = _fields(message)
    if field == 1:
        return value.decode()
    if field == 2:
        return struct.unpack("<f", value)[0]
    if field == 3:
        return struct.unpack("<d", value)[0]
    if field == 6:
        return (value >> 1) ^ -(value & 1)
    return bool(value) if field == 7 else value


def _packed(data: bytes) -> list[int]:
    numbers, at = [], 0
    while at < len(data):
        number, at = _varint(data, at)
        numbers.append(number)
    return numbers


def _fields(data: bytes) -> list[tuple[int, Any]]:
    """(field number, varint or bytes) of a protobuf message."""
    fields, at = [], 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
        else:
            if kind == 2:
                size, at = _varint(data, at)
            else:
                size = {1: 8, 5: 4}[kind]
            value, at = data[at : at + size], at + size
        fields.append((key >> 3, value))
    return fields


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
