"""Examples of labels as an expert writes them: a file with a product and its label in each line."""

import csv
from pathlib import Path

from ingestion.labels.few_shot import ExamplesError

COLUMNS = ("product", "label")


def read_examples(file: Path) -> dict[str, str]:
    """Label of each product, in the order of the file.

    Args:
        file: CSV in UTF-8 with the columns `product` and `label`; others are left alone.

    Raises:
        ExamplesError: it cannot be read, a column or a value is missing, or a product has two labels.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise ExamplesError(f"{file}: no column {' and '.join(missing)}; the first line must be product,label")
            return _labels(file, reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ExamplesError(f"{file}: cannot be read ({reason}); give a CSV file with product,label") from error


def _labels(file: Path, reader: "csv.DictReader[str]") -> dict[str, str]:
    found: dict[str, str] = {}
    for row in reader:
        product, label = ((row[name] or "").strip() for name in COLUMNS)
        where = f"{file}:{reader.line_num}"
        if not product or not label:
            raise ExamplesError(f"{where}: a product and a label are needed in each line")
        if found.setdefault(product, label) != label:
            raise ExamplesError(f"{where}: {product} is {label} here and {found[product]} above; it can be one of them")
    return found
