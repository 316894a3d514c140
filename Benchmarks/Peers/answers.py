"""Holds the answers of engines against each other: without regard to order, numbers by value, floats with a tolerance."""

from __future__ import annotations

import numpy
import pyarrow
import pyarrow.compute as compute

# DataFusion interpolates percentiles in millionths.
TOLERANCE = 1e-8


def columns(table: pyarrow.Table) -> list[tuple[numpy.ndarray, numpy.ndarray]]:
    """Returns (values, is_null) of each column: text as objects, times as microseconds, numbers as they are."""
    result = []
    for column in table.columns:
        array = column.combine_chunks()
        if isinstance(array, pyarrow.ChunkedArray):
            array = pyarrow.concat_arrays(array.chunks) if array.num_chunks else pyarrow.array([], array.type)
        kind = array.type
        if pyarrow.types.is_dictionary(kind):
            array = array.dictionary_decode()
            kind = array.type
        nulls = array.is_null(nan_is_null=False).to_numpy(zero_copy_only=False)
        if pyarrow.types.is_timestamp(kind) or pyarrow.types.is_date(kind):
            array = array.cast(pyarrow.timestamp("us")).cast(pyarrow.int64())
        elif pyarrow.types.is_decimal(kind):
            array = array.cast(pyarrow.float64())
        elif pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind):
            array = array.cast(pyarrow.string())
        kind = array.type
        if pyarrow.types.is_integer(kind):
            values = compute.fill_null(array.cast(pyarrow.int64()), 0).to_numpy(zero_copy_only=False)
        elif pyarrow.types.is_floating(kind):
            values = compute.fill_null(array.cast(pyarrow.float64()), 0.0).to_numpy(zero_copy_only=False)
        elif pyarrow.types.is_null(kind):
            values = numpy.zeros(len(array), dtype=numpy.int64)
        else:
            values = compute.fill_null(array.cast(pyarrow.string()), "").to_numpy(zero_copy_only=False).astype(str)
        result.append((values, nulls))
    return result


def difference(ours: pyarrow.Table, theirs: pyarrow.Table) -> str | None:
    """Returns what differs between two answers, in words; None when nothing does."""
    if ours.num_columns != theirs.num_columns:
        return f"{ours.num_columns} columns and {theirs.num_columns}"
    if ours.num_rows != theirs.num_rows:
        return f"{ours.num_rows} rows and {theirs.num_rows}"
    left, right = columns(ours), columns(theirs)
    # A column that is whole numbers for one and floats for the other is compared as floats.
    for place, ((a, _), (b, _)) in enumerate(zip(left, right)):
        if a.dtype != b.dtype and a.dtype.kind in "if" and b.dtype.kind in "if":
            left[place] = (a.astype(float), left[place][1])
            right[place] = (b.astype(float), right[place][1])
    left, right = _sorted(left), _sorted(right)
    for place, ((a, a_null), (b, b_null)) in enumerate(zip(left, right)):
        name = theirs.column_names[place]
        if a.dtype.kind != b.dtype.kind and ours.num_rows:
            return f"column {name}: {a.dtype} and {b.dtype}"
        wrong = a_null != b_null
        if a.dtype.kind == "f":
            wrong |= ~(a_null | numpy.isclose(a, b, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True))
        else:
            wrong |= ~a_null & (a != b)
        if wrong.any():
            row = int(numpy.argmax(wrong))
            return f"column {name}, row {row} of the sorted answer: {_shown(a, a_null, row)} and {_shown(b, b_null, row)}"
    return None


def _shown(values: numpy.ndarray, nulls: numpy.ndarray, row: int) -> str:
    return "NULL" if nulls[row] else repr(values[row])


def _sorted(parts: list[tuple[numpy.ndarray, numpy.ndarray]]) -> list[tuple[numpy.ndarray, numpy.ndarray]]:
    """Sorts rows by the exact columns first; floats, rounded, decide last."""
    keys = []
    for values, nulls in parts:
        if values.dtype.kind == "f":
            keys.insert(0, numpy.round(values, 6))
    for values, nulls in reversed(parts):
        if values.dtype.kind != "f":
            keys += [numpy.unique(values, return_inverse=True)[1] if values.dtype.kind == "U" else values, nulls]
    order = numpy.lexsort(keys) if keys else numpy.arange(0)
    return [(values[order], nulls[order]) for values, nulls in parts]
