"""Does "enhance!" help to find a person? A face recogniser before and after G, counted.

    python tools/runs/enhance.py --faces celeba128

Each LR face is shown to dlib's recogniser as it is (by bicubic) or through a generator. It looks
for another photograph of the same person among the sharp originals ("sharp"), or among LR faces
that went the same way ("alike"). The shares of right answers go to results/enhance.json. Needs
`pip install 'urdgn_lite[identity]'`.
"""

import argparse

import torch

from urdgn_lite import faces, methods, store
from urdgn_lite.degrade import downsample, to_float
from urdgn_lite.measure import evaluate
from urdgn_lite.measure.identity import embed, rank1
from urdgn_lite.provenance import circumstances

WAYS = ("bicubic", "residual", "residual-gan")


@torch.no_grad()
def count(test: faces.Faces, people: list[str], ways: tuple[str, ...]) -> dict:
    """Share of right answers, with its interval, of each way to look at LR faces."""
    h = to_float(test.images)
    lr, sharp = downsample(h), embed(h)
    found = {"original": evaluate.summary("sharp", rank1(sharp, sharp, people), people)}
    for name in ways:
        method = methods.get(name)
        seen = embed(torch.cat([method(part) for part in lr.split(50)]))
        found[name] = {}
        for kind, gallery in (("sharp", sharp), ("alike", seen)):
            found[name] |= evaluate.summary(kind, rank1(seen, gallery, people), people)
    return found


def main() -> None:
    """Count, and write to the ledger."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--faces", default="celeba128")
    test = faces.load(parser.parse_args().faces, "test")
    people = test.people()
    result = {"faces": test.source, "split": test.split, "n": len(test), "people": len(set(people))}
    result |= {"rank1": count(test, people, WAYS)} | circumstances()
    store.write_json(evaluate.ledger() / "enhance.json", result)


if __name__ == "__main__":
    main()
