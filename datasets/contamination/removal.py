"""Writes a data file without some of its rows, the others as they are."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Set
from pathlib import Path
from typing import Any

from ..rows import bounded_lines, create_text, kind_of, open_text


def write_without(source: Path, rows: Set[int], out: Path) -> None:
    """Writes a file of the same format without the rows of the given numbers.

    Lines of JSON and CSV stay as they are, byte for byte, and so does each task of a JSON list.

    Args:
        source: a file that `read_rows` has read without error.
        rows: their numbers, as `read_rows` counts.
        out: the new file; it appears when it is complete. A name that ends in ``.gz`` is compressed.
    """
    partial = out.with_name(f"{out.name}.partial")
    if (arrow := _ARROW.get(kind_of(source))) is not None:
        arrow(source, rows, partial)
    else:
        with create_text(partial, compressed=out.suffix.lower() == ".gz") as file:
            for text in _TEXTS.get(kind_of(source), _lines)(source, rows):
                file.write(text)
    partial.replace(out)


def _lines(source: Path, rows: Set[int]) -> Iterator[str]:
    with open_text(source) as file:
        for number, line in enumerate(bounded_lines(source, file), 1):
            if number not in rows:
                yield line


def _list(source: Path, rows: Set[int]) -> Iterator[str]:
    with open_text(source) as file:
        text = file.read()
    decoder, blank = json.JSONDecoder(), " \t\r\n"
    place, number, separator = text.index("[") + 1, 0, "[\n"
    while True:
        while text[place] in f"{blank},":
            place += 1
        if text[place] == "]":
            break
        _, end = decoder.raw_decode(text, place)
        number += 1
        if number not in rows:
            yield separator + text[place:end]
            separator = ",\n"
        place = end
    yield "[]\n" if separator == "[\n" else "\n]\n"


def _table(source: Path, rows: Set[int]) -> Iterator[str]:
    record: list[str] = []

    def read() -> Iterator[str]:
        for line in bounded_lines(source, file):
            record.append(line)
            yield line

    with open_text(source) as file:
        # A record may have several lines. The heading is number 0, and blank lines have none, as in `read_rows`.
        number = -1
        for fields in csv.reader(read(), strict=True):
            number += bool(fields)
            if not fields or number not in rows:
                yield "".join(record)
            record.clear()


def _parquet(source: Path, rows: Set[int], out: Path) -> None:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(source) as file, pyarrow.parquet.ParquetWriter(out, file.schema_arrow) as writer:
        for batch in _kept(file.iter_batches(), rows):
            writer.write_batch(batch)


def _arrow(source: Path, rows: Set[int], out: Path) -> None:
    import pyarrow.ipc

    with pyarrow.memory_map(str(source)) as memory:
        is_file = memory.read(6) == b"ARROW1"
        memory.seek(0)
        reader = pyarrow.ipc.open_file(memory) if is_file else pyarrow.ipc.open_stream(memory)
        batches = map(reader.get_batch, range(reader.num_record_batches)) if is_file else iter(reader)
        make = pyarrow.ipc.new_file if is_file else pyarrow.ipc.new_stream
        with make(str(out), reader.schema) as writer:
            for batch in _kept(batches, rows):
                writer.write_batch(batch)


def _kept(batches: Iterator[Any], rows: Set[int]) -> Iterator[Any]:
    import pyarrow

    number = 0
    for batch in batches:
        kept = [number + i not in rows for i in range(1, len(batch) + 1)]
        number += len(batch)
        yield batch.filter(pyarrow.array(kept, pyarrow.bool_()))


_TEXTS: dict[str, Callable[[Path, Set[int]], Iterator[str]]] = {".json": _list, ".csv": _table}
_ARROW: dict[str, Callable[[Path, Set[int], Path], None]] = {".parquet": _parquet, ".arrow": _arrow}
