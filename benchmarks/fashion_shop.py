"""Writes the fashion shop: real products, simulated shoppers with planted tastes (see `ingestion.fashion_shop`).

python -m benchmarks.fashion_shop --data DATA --out shop [--products 4000] [--users 3000] [--seed 0]
pathrec ingest shop/mapping.yaml

DATA is the folder that holds `fashion/`.
"""

import argparse
from pathlib import Path

from ingestion.fashion_shop import generate


def main() -> None:
    """Writes the shop and says where its mapping is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data, with fashion/ in it")
    parser.add_argument("--out", type=Path, required=True, help="folder of the shop")
    parser.add_argument("--products", type=int, help="a random sample of this size; all if left out")
    parser.add_argument("--users", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    mapping = generate(
        options.data / "fashion", options.out, seed=options.seed, products=options.products, users=options.users
    )
    print(mapping)


if __name__ == "__main__":
    main()
