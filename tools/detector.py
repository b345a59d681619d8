"""How often landmarks can be found on 16 × 16 faces: dlib on HR faces, and on bicubic ones.

    python tools/detector.py --faces celeba128

Method [10] needs landmarks, and Yu and Porikli say that they cannot be found at this size. The
counts go to results/detector.json. Needs `pip install 'urdgn_lite[identity]'`.
"""

import argparse
import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from torch.nn.functional import pad

from urdgn_lite import evaluate, faces
from urdgn_lite.degrade import downsample, upsample_bicubic
from urdgn_lite.faces import to_float, to_uint8
from urdgn_lite.progress import bar
from urdgn_lite.provenance import circumstances

MARGIN = 32  # px of repeated border: dlib expects hair and chin inside the picture
TOLERABLE = 0.1  # mean landmark error, in distances between the eyes, beyond which they failed


def landmarks(images, detect, predict):
    """The 68 points of each face in px of its picture; None where not exactly one was found."""
    for image in bar(images, "dlib", leave=False):
        larger = upsample_bicubic(pad(to_float(image)[None], (MARGIN,) * 4, mode="replicate"), 384)
        pixels = np.ascontiguousarray(to_uint8(larger)[0].permute(1, 2, 0).numpy())
        boxes = detect(pixels)
        if len(boxes) == 1:
            yield np.array([(p.x, p.y) for p in predict(pixels, boxes[0]).parts()]) / 2 - MARGIN
        else:
            yield None


def main():
    """Count, print, and write to the ledger."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--faces", default="celeba128")
    parser.add_argument("--limit", type=int)
    given = parser.parse_args()
    if not all(map(find_spec, ("dlib", "face_recognition_models"))):
        parser.error("dlib is missing: pip install 'urdgn_lite[identity]'")
    import dlib

    models = Path(find_spec("face_recognition_models").origin).parent / "models"
    predict = dlib.shape_predictor(str(models / "shape_predictor_68_face_landmarks.dat"))
    test = faces.load(given.faces, "test", limit=given.limit)
    bicubic = to_uint8(upsample_bicubic(downsample(to_float(test.images))))
    tools = dlib.get_frontal_face_detector(), predict
    hr, blurred = ([*landmarks(images, *tools)] for images in (test.images, bicubic))
    both = [(a, b) for a, b in zip(hr, blurred, strict=True) if a is not None and b is not None]
    apart = [np.hypot(*(a[36:42].mean(0) - a[42:48].mean(0))) for a, _ in both]  # the two eyes
    errors = [np.hypot(*(b - a).T).mean() / e for (a, b), e in zip(both, apart, strict=True)]
    counts = {
        "faces": test.source, "split": test.split, "n": len(test),
        "found_hr": sum(p is not None for p in hr),
        "found_bicubic": sum(p is not None for p in blurred), "found_both": len(both),
        "landmarks_failed": sum(bool(e > TOLERABLE) for e in errors), "tolerable": TOLERABLE,
        "landmark_error_median": round(float(np.median(errors)), 4) if errors else None,
        **circumstances(),
    }  # fmt: skip
    (evaluate.ledger() / "detector.json").write_text(json.dumps(counts, indent=1) + "\n")
    print(json.dumps(counts, indent=1))


if __name__ == "__main__":
    main()
