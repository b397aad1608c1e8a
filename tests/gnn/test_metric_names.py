import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnn.metric_names import NAMES, MetricError, parse


@given(st.sampled_from(NAMES), st.integers(1, 500))
def test_every_name_is_understood(name, k):
    metric, at, _ = name.partition("@")
    assert parse(name.replace("@k", f"@{k}")) == (metric, k if at else 0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("recal@20", "there is no metric 'recal@20'; there is .* Did you mean recall@k?"),
        ("recall", "'recall': give the length of the list as a positive number, as in recall@20"),
        ("recall@0", "'recall@0': give the length of the list as a positive number"),
        ("ndcg@ten", "'ndcg@ten': give the length of the list"),
        ("auc@10", "auc looks at all scores and takes no k; write auc"),
        ("acu", "Did you mean auc?"),
    ],
)
def test_a_wrong_name_is_answered_with_the_right_one(name, message):
    with pytest.raises(MetricError, match=message):
        parse(name)
