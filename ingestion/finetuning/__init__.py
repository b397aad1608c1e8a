"""Fine-tuning of the text encoder on what a shop's customers buy together: an adapter beside an unchanged model.

Pairs of products come out of a snapshot, some products are held out, a small adapter is trained to bring the texts
of a pair together, and is saved with what it finds of the held-out products' partners before and after.
"""

from ingestion.finetuning.course import MINUTES, Course, finetune
from ingestion.finetuning.lessons import FinetuningError

__all__ = ["MINUTES", "Course", "FinetuningError", "finetune"]
