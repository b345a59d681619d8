"""Any source of faces as shards: PNGs in tar files, 1,000 each, as WebDataset reads them."""

from __future__ import annotations

import io
import random
import shutil
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

from PIL import Image

from urdgn_lite.faces.load import SPLITS, find, sources
from urdgn_lite.faces.picture import FacesError
from urdgn_lite.progress import bar
from urdgn_lite.store import claimed, write

EACH = 1000  # faces a shard: about 30 MB, which is what this needs of memory


def write_shards(
    source: str | Path, folder: Path, *, root: str | Path = "data"
) -> tuple[dict[str, int], list[str]]:
    """Write the three splits of a source as `FOLDER/train-000000.tar` … `test-….tar`.

    Returns
    -------
    Faces a split, and why others were skipped.

    Raises
    ------
    FacesError : as `load`. FileExistsError : the folder is there. OSError : it cannot be written;
        nothing is left then.
    """
    from webdataset import TarWriter

    sets = {split: find(source, split, root=root) for split in SPLITS}
    if folder.exists():
        raise FileExistsError(f"{folder} exists: choose another folder")
    skipped: list[str] = []
    counts = dict.fromkeys(SPLITS, 0)

    def encoded(split: str) -> Iterator[dict[str, Any]]:
        names, found, decode, _ = sets[split]
        names = random.Random(0).sample(names, len(names))  # neighbours are of one person
        for name, read in bar(sources(found, names), f"shards {split}", len(names)):
            try:
                image = Image.fromarray(decode(name, read()))
            except (FacesError, OSError) as error:
                skipped.append(str(error))
                continue
            image.save(png := io.BytesIO(), "PNG")
            counts[split] += 1
            key = Path(name).with_suffix("").as_posix().replace(".", "_")
            yield {"__key__": key, "png": png.getvalue()}

    beside = folder.with_name(f".{folder.name}.part")
    with claimed(beside):
        try:
            for left in beside.glob("*.tar"):  # by a process that was killed
                left.unlink()
            for split in SPLITS:
                faces = encoded(split)
                for number in count():
                    if not (part := list(islice(faces, EACH))):
                        break
                    with TarWriter(shard := io.BytesIO(), encoder=False, mtime=0) as tar:
                        for face in part:
                            tar.write(face)
                    write(beside / f"{split}-{number:06d}.tar", shard.getvalue())
                if not counts[split]:
                    why = skipped[0] if skipped else "is it empty?"
                    raise FacesError(f"{source}: no usable face for split {split!r}. {why}")
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
    beside.rename(folder)
    return counts, skipped
